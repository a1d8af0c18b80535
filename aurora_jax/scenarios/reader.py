"""Reading a scenario data set through its manifests, never by listing files."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import pyarrow as pa
import pyarrow.parquet as pq

from ..core import Trajectories
from .columns import from_table
from .manifest import DATASET_MANIFEST, ScenarioError, read_manifest, sha256


def read_dataset(directory: Path | str) -> dict:
    """Return the data set's manifest: under `cells`, for each cell, all that it takes to read it and to make it again.

    That is its description, files and invariants, and its own seed, versions and settings: cells of one data set may
    have been made by different commands.

    Raises:
        ScenarioError: if there is no intact one.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ScenarioError(f"{directory}: no such folder; python sims/seb_plus.py --out {directory} makes one.")
    return read_manifest(directory / DATASET_MANIFEST)


def cells(directory: Path | str) -> tuple[str, ...]:
    """Return the names of the cells in a data set."""
    return tuple(sorted(read_dataset(directory)["cells"]))


def chunks(directory: Path | str, *, cell: str) -> Iterator[Trajectories]:
    """Yield a cell's paths chunk by chunk, so that a cell larger than memory can be streamed.

    Raises:
        ScenarioError: if the cell is unknown, or a file is missing or does not match its SHA-256.
    """
    directory = Path(directory)
    known = read_dataset(directory)["cells"]
    if cell not in known:
        nearest = difflib.get_close_matches(cell, known, n=1, cutoff=0.0)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ScenarioError(f"{directory}: no cell {cell!r}{hint} It holds: {', '.join(sorted(known))}.")
    entry = known[cell]
    for chunk in entry["chunks"]:
        data = _verified(directory / chunk["file"], chunk["sha256"])
        table = pq.read_table(pa.BufferReader(data))
        yield from_table(table, paths=chunk["paths"], steps=entry["steps"], step_size=entry["step_size"])


def load(directory: Path | str, *, cell: str) -> Trajectories:
    """Return all paths of a cell, batched along the first axis.

    Raises:
        ScenarioError: as `chunks`.
    """
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *chunks(directory, cell=cell))


def _verified(path: Path, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}); run the same command again.") from None
    if sha256(data) != expected:
        raise ScenarioError(f"{path}: damaged (SHA-256 differs from its manifest); run the same command again.")
    return data
