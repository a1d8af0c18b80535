"""Files that are either whole or absent: atomic writes, and what is already done."""

import errno
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..data import write_bytes_whole
from ..scenarios import ScenarioError, read_manifest, sha256
from .plan import ChunkSpec


class FarmError(RuntimeError):
    """A run that cannot go on; the message names the place and the remedy. Finished chunks are kept."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds all of it or is untouched, whatever happens in between.

    Raises:
        FarmError: if the folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_whole(data, path, writer=uuid.uuid4().hex)  # after a node was lost two may make the same chunk
    except OSError as error:
        raise FarmError(explained(path, error)) from None


def explained(path: Path, error: OSError) -> str:
    """Say why `path` could not be written, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path.parent}: disk full; free space and run the same command again, finished chunks are kept."
    reason = error.strerror or str(error)
    return f"{path.parent}: cannot write here ({reason}); choose another --out or change its permissions."


def sweep(out: Path, specs: Iterable[ChunkSpec]) -> None:
    """Remove what a killed run left unfinished. Only under `exclusive`: nobody else may be writing.

    Raises:
        FarmError: if something may not be removed.
    """
    folders = {out, *(out / spec.file.parent for spec in specs)}
    for folder in folders:
        for leftover in folder.glob(".*.tmp"):
            try:
                leftover.unlink(missing_ok=True)
            except OSError as error:
                raise FarmError(explained(leftover, error)) from None


def refuse_strangers(out: Path, specs: Iterable[ChunkSpec]) -> None:
    """Refuse a folder whose cells hold chunks of another plan: readers that list files would mix the two.

    Raises:
        FarmError: names the cell and the remedy; nothing is touched.
    """
    expected: dict[Path, set[str]] = {}
    for spec in specs:
        expected.setdefault(out / spec.file.parent, set()).add(spec.file.name)
    for folder, names in expected.items():
        strangers = sorted(found.name for found in folder.glob("part-*.parquet") if found.name not in names)
        if strangers:
            raise FarmError(
                f"{folder}: holds {len(strangers)} chunks of another plan (other paths, seed, teacher, settings or "
                f"versions), e.g. {strangers[0]}; choose another --out or remove this folder."
            )


class Found(NamedTuple):
    """What is on disk for a chunk: its intact manifest, or None and the damage ("" where there is simply nothing)."""

    manifest: dict | None
    damage: str


def inspect(out: Path, spec: ChunkSpec) -> Found:
    """Return whether a chunk is done: its manifest is intact and of this recipe, and the file matches its SHA-256."""
    manifest_path, data_path = out / spec.manifest, out / spec.file
    if not os.path.exists(manifest_path):  # unlike Path.exists, False too where the folder may not be looked into
        return Found(None, "")  # a Parquet file alone is a run killed between the two writes
    try:
        manifest = read_manifest(manifest_path)
    except ScenarioError as error:
        return Found(None, str(error).partition(";")[0])
    if manifest.get("recipe") != spec.recipe:
        return Found(None, f"{manifest_path}: of another recipe")
    try:
        intact = sha256(data_path.read_bytes()) == manifest["sha256"]
    except OSError as error:
        return Found(None, f"{data_path}: {error.strerror}")
    return Found(manifest, "") if intact else Found(None, f"{data_path}: SHA-256 differs from its manifest")
