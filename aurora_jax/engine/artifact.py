"""Artifacts: one folder with everything that a service runs, checked file by file."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import PyTree

from ..config import ConfigError, parse_config
from ..config.engine import EngineConfig
from .arrays import read_arrays, write_arrays
from .artifact_error import ArtifactError
from .signature import sign, signing_key, verify_signature

FORMAT = 2  # 2: the router reads its window's evidence
MANIFEST, CONFIG, METRICS = "manifest.json", "config.json", "metrics.json"
_PACKAGES = ("aurora-jax", "jax", "jaxlib", "flax", "equinox", "diffrax", "numpyro", "optax", "numpy", "ray")


class Artifact(NamedTuple):
    """A verified artifact.

    Attributes:
        folder: where it lies.
        config: of the engine.
        manifest: files, digests, versions, seed, data.
        arrays: contents of the safetensors files by name without suffix, e.g. `student`, `stream-US20`.
        metrics: measured in training.
    """

    folder: Path
    config: EngineConfig
    manifest: dict
    arrays: dict[str, dict[str, np.ndarray]]
    metrics: dict

    @property
    def digest(self) -> str:
        """Return the digest that names this artifact in answers, logs and journals."""
        return hashlib.sha256(canonical_json(self.manifest)).hexdigest()[:16]


def canonical_json(content: object) -> bytes:
    """Return the one JSON text of `content`: sorted keys, no NaN."""
    return (json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {**found, "python": platform.python_version(), "platform": platform.platform()}


def save_artifact(
    folder: Path,
    *,
    config: EngineConfig,
    trees: Mapping[str, PyTree],
    metrics: Mapping,
    data: Mapping[str, str],
    seed: int,
    keys: Path | None,
) -> Path:
    """Write an artifact, whole or not at all, and put it in place of any previous one.

    The previous one is moved aside, and removed once the new one lies there. A process killed between the two moves
    leaves the previous one aside, from where the next call, or the reader of `load_artifact`'s message, moves it back.

    Args:
        folder: where it shall lie.
        config: of the engine.
        trees: pytrees by file name without suffix.
        metrics: measured in training; finite numbers.
        data: digest of the data of each stream.
        seed: root seed of the run.
        keys: folder of the signing key; None leaves the artifact unsigned.

    Raises:
        ArtifactError: if the signing key cannot be used.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".artifact-", dir=folder.parent))
    try:
        for name, tree in trees.items():
            write_arrays(tree, part / f"{name}.safetensors")
        (part / CONFIG).write_bytes(canonical_json(config.model_dump(mode="json")))
        (part / METRICS).write_bytes(canonical_json(dict(metrics)))
        files = {path.name: _describe(path) for path in sorted(part.iterdir())}
        manifest = {
            "format": FORMAT,
            "files": files,
            "config_digest": config.digest(),
            "data": dict(data),
            "seed": seed,
            "versions": versions(),
        }
        (part / MANIFEST).write_bytes(canonical_json(manifest))
        if keys is not None:
            sign(part / MANIFEST, signing_key(keys))
        for path in part.iterdir():  # safetensors writes for the owner alone, and so was the folder made
            path.chmod(0o644)
        part.chmod(0o755)
        put_in_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def put_in_place(part: Path, folder: Path) -> None:
    """Move the folder `part` to `folder`, whatever lies there: if that fails, it lies there as before."""
    aside = _aside(folder)
    if aside.exists() and not folder.exists():
        os.replace(aside, folder)
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        os.replace(folder, aside)
    try:
        os.replace(part, folder)
    except BaseException:
        if aside.exists():
            os.replace(aside, folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _describe(path: Path) -> dict:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def load_artifact(folder: Path | str, *, trusted: Path | None = None) -> Artifact:
    """Verify and read an artifact.

    Args:
        folder: the artifact.
        trusted: public key that must have signed it; None skips the signature (the hashes are always checked).

    Raises:
        ArtifactError: if it is missing, unreadable, altered, unsigned, or made by an incompatible version; names the
            remedy.
    """
    folder = Path(folder)
    try:
        return _load(folder, trusted)
    except OSError as error:
        place = error.filename or folder
        raise ArtifactError(f"{place}: cannot be read ({error.strerror}); give this user the right to.") from None


def _load(folder: Path, trusted: Path | None) -> Artifact:
    if not (folder / MANIFEST).is_file():
        if _aside(folder).exists():
            raise ArtifactError(f"{folder}: its replacement was interrupted; move {_aside(folder)} there.")
        raise ArtifactError(f"{folder}: no artifact here; make one with `python scripts/quickstart.py`.")
    if trusted is not None:
        verify_signature(folder / MANIFEST, trusted)
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise ArtifactError(f"{folder}: format {manifest.get('format')}, this version reads {FORMAT}; make it anew.")
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise ArtifactError(f"{folder / MANIFEST}: lists no files; restore it or make the artifact anew.")
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or _describe(path) != expected:
            raise ArtifactError(f"{path}: missing or altered since it was made; restore it or make the artifact anew.")
    try:
        config = parse_config(EngineConfig, _read_json(folder / CONFIG), source=str(folder / CONFIG))
    except ConfigError as error:
        raise ArtifactError(str(error)) from None
    names = [name for name in files if name.endswith(".safetensors")]
    arrays = {Path(name).stem: read_arrays(folder / name) for name in names}
    return Artifact(folder, config, manifest, arrays, _read_json(folder / METRICS))


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); restore it or make the artifact anew.") from None
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: holds no record; restore it or make the artifact anew.")
    return content
