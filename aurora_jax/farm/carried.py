"""Cells that earlier runs made in the same folder, which a run of other cells must not lose."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..scenarios import DATASET_MANIFEST, DamagedManifest, MissingManifest, ScenarioError, read_manifest
from .plan import ChunkSpec, cells_of
from .store import FarmError


class Carried(NamedTuple):
    """Entries of the data set's manifest to keep, by cell, and why others cannot be kept."""

    cells: dict[str, dict]
    dropped: tuple[str, ...]


def carried_over(out: Path, specs: Iterable[ChunkSpec]) -> Carried:
    """Return what the manifest in `out` says of cells that are not in the plan, as far as their files are still there.

    Files are looked for and their sizes compared; a reader checks their SHA-256.

    Raises:
        FarmError: if the manifest cannot be read while the folder holds such cells. It alone knows how many paths they
            have, so they could not be listed; names the remedy.
    """
    planned = cells_of(tuple(specs))
    path = out / DATASET_MANIFEST
    try:
        listed = read_manifest(path)["cells"]
    except MissingManifest:
        return Carried({}, ())  # no run has finished here yet
    except DamagedManifest as error:
        others = sorted(_cells_on_disk(out) - planned.keys())
        if others:
            reason = str(error).partition(";")[0]
            raise FarmError(
                f"{reason}; it alone lists earlier runs' cells: {', '.join(others)}. Ask for them and these in one "
                f"command, or remove {DATASET_MANIFEST} and run each cell's command again: whole chunks are kept."
            ) from None
        return Carried({}, ())  # the plan has all that it could have listed
    except ScenarioError as error:
        raise FarmError(str(error)) from None
    kept, dropped = {}, []
    for name, entry in listed.items():
        if name not in planned:
            damage = _damage(out, entry)
            if damage:
                dropped.append(f"cell {name!r} ({damage}); --cells {name} makes it again")
            else:
                kept[name] = entry
    return Carried(kept, tuple(dropped))


def _cells_on_disk(out: Path) -> set[str]:
    return {chunk.parent.name.removeprefix("cell=") for chunk in out.glob("cell=*/_part-*.json")}


def _damage(out: Path, entry: dict) -> str:
    """Say what is wrong with the files of a cell: "" where nothing is."""
    for chunk in entry["chunks"]:
        path = out / chunk["file"]
        try:
            size = path.stat().st_size
        except OSError as error:
            return f"{path}: {error.strerror}"
        if size != chunk.get("bytes", size):  # manifests of before had no sizes
            return f"{path}: {size:,} bytes instead of {chunk['bytes']:,}"
    return ""
