"""Manifests: what a data set holds, sealed so that a damaged one is noticed.

Names start with an underscore, so that pandas, pyarrow and DuckDB skip them when they list a folder of Parquet files.
"""

import hashlib
import json
from pathlib import Path

FORMAT = 1
DATASET_MANIFEST = "_dataset.json"


class ScenarioError(ValueError):
    """A scenario data set that cannot be read as it stands; the message names the file and the remedy."""


class MissingManifest(ScenarioError):
    """There is no file of that name."""


class DamagedManifest(ScenarioError):
    """There is a file, which is not, or no longer, what was written."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(content: object) -> str:
    """Return the one JSON text of `content`: sorted keys, no spaces, no NaN."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(content: dict) -> bytes:
    """Return `content` as the bytes of a manifest, with its own checksum inside."""
    content = {"format": FORMAT, **content}
    content["checksum"] = sha256(canonical(content).encode())
    return (json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_manifest(path: Path) -> dict:
    """Return the content of a manifest, checked against its own checksum.

    Raises:
        MissingManifest: if there is none.
        DamagedManifest: if it is cut short or altered.
        ScenarioError: if it cannot be read, or is of a later format.
    """
    remedy = "run the same sims/seb_plus.py command again to repair the data set"
    try:
        content = json.loads(path.read_bytes())
        checksum = content.pop("checksum")
    except FileNotFoundError:
        raise MissingManifest(f"{path}: no such manifest; {remedy}.") from None
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise DamagedManifest(f"{path}: not a manifest (cut short or overwritten); {remedy}.") from None
    if checksum != sha256(canonical(content).encode()):
        raise DamagedManifest(f"{path}: content does not match its checksum; {remedy}.")
    if content["format"] != FORMAT:
        raise ScenarioError(f"{path}: format {content['format']}, this version reads {FORMAT}; upgrade aurora-jax.")
    return content
