"""Where the service finds its artifact, the key that must have signed it, and the place for its journal."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..engine import PUBLIC_KEY, Artifact, ArtifactError, load_artifact

ARTIFACT, TRUSTED_KEY, STATE_DIR = "AURORA_ARTIFACT", "AURORA_TRUSTED_KEY", "AURORA_STATE_DIR"
COMMAND = "python scripts/quickstart.py"
_RUNS, _MANIFEST = "runs", "manifest.json"


class Location(NamedTuple):
    """Absolute paths, so that a process with another working directory finds the same files."""

    artifact: Path
    trusted_key: Path
    state: Path

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.state / "journal.sqlite"

    def load(self) -> Artifact:
        """Verify the signature and every file of the artifact, and read it.

        Raises:
            ArtifactError: if it is missing, unsigned, signed by another, or altered.
        """
        return load_artifact(self.artifact, trusted=self.trusted_key)


def locate(environment: Mapping[str, str], *, folder: Path) -> Location:
    """Find and verify the artifact to serve.

    Args:
        environment: AURORA_ARTIFACT names it, else the newest `runs/*/artifact` is taken; AURORA_TRUSTED_KEY the public
            key, else `runs/keys/trusted_key.pem`; AURORA_STATE_DIR the journal's folder, else
            `runs/serve/<artifact digest>`.
        folder: that relative paths start from.

    A variable that is empty counts as not set.

    Raises:
        ArtifactError: if there is none, or it may not be run; says what to do.
    """
    artifact = _artifact(environment.get(ARTIFACT), folder)
    trusted_key = folder / (environment.get(TRUSTED_KEY) or f"{_RUNS}/keys/{PUBLIC_KEY}")
    try:
        digest = load_artifact(artifact, trusted=trusted_key).digest
    except ArtifactError as error:
        raise ArtifactError(f"{error}{_hint(artifact, trusted_key)}") from None
    state = folder / (environment.get(STATE_DIR) or f"{_RUNS}/serve/{digest}")
    return Location(*(path.absolute() for path in (artifact, trusted_key, state)))


def _hint(artifact: Path, trusted_key: Path) -> str:
    """Name the key that the artifact's run left beside it; a person must say that it is to be trusted.

    A key that travels with an artifact proves nothing: whoever replaces the one replaces the other.
    """
    beside = artifact.parent.parent / "keys" / PUBLIC_KEY
    if os.path.exists(trusted_key) or not os.path.exists(beside):
        return ""
    return f" If the run that made it was yours, {TRUSTED_KEY}={beside.absolute()} trusts its key."


def _artifact(named: str | None, folder: Path) -> Path:
    if named:
        if not (folder / named / _MANIFEST).is_file():
            raise ArtifactError(f"{ARTIFACT}={named}: no artifact there; make one with `{COMMAND}`.")
        return folder / named
    found = sorted((folder / _RUNS).glob(f"*/artifact/{_MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise ArtifactError(f"no artifact in {folder / _RUNS}: make one with `{COMMAND}`, or name one in {ARTIFACT}.")
    return found[-1].parent
