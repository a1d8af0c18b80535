"""The data set's manifest: all its chunks, and each cell's invariants, asked for and measured."""

from collections.abc import Sequence
from pathlib import Path

from ..scenarios import DATASET_MANIFEST, sealed
from .carried import carried_over
from .plan import ChunkSpec, cells_of
from .reduction import NOTHING, Moments, pooled
from .store import FarmError, inspect, write_atomically
from .verdict import asked_of, passed


def finish(out: Path, specs: Sequence[ChunkSpec]) -> dict:
    """Check every chunk of the plan and write the data set's manifest; return its content.

    Cells that an earlier run made in the same folder are kept in it, as `carried_over` has it.

    Raises:
        FarmError: if a chunk is missing or damaged, the folder cannot be written, or other cells would be lost.
    """
    cells = carried_over(out, specs).cells
    for name, chunks in cells_of(specs).items():
        manifests = [_manifest(out, spec) for spec in chunks]
        cells[name] = _entry(chunks[0], manifests)
    content = {"kind": "data set", "cells": cells}
    write_atomically(out / DATASET_MANIFEST, sealed(content))
    return content


def _manifest(out: Path, spec: ChunkSpec) -> dict:
    found = inspect(out, spec)
    if found.manifest is None:
        raise FarmError(
            f"{out / spec.file}: {found.damage or 'missing'} after its worker reported it written; "
            "--out must be a folder that every node sees."
        )
    return found.manifest


def _entry(spec: ChunkSpec, manifests: list[dict]) -> dict:
    first = manifests[0]
    recipe = {name: value for name, value in spec.recipe.items() if name not in ("shard", "paths", "cell")}
    measured = {
        name: pooled(Moments(**manifest["invariants"][name]) for manifest in manifests) for name in first["invariants"]
    }
    asked = asked_of(spec.cell)
    for name in {*asked.targets, *asked.bounds} - measured.keys():
        measured[name] = NOTHING  # asked for and not to be had is a miss, not silence
    return {
        **{name: first[name] for name in ("steps", "step_size", "assets", "factors")},
        **recipe,
        "description": spec.cell.description(),
        "paths": sum(manifest["paths"] for manifest in manifests),
        "rows": sum(manifest["rows"] for manifest in manifests),
        "bytes": sum(manifest["bytes"] for manifest in manifests),
        "chunks": [
            {name: manifest[name] for name in ("file", "sha256", "bytes", "rows", "paths")} for manifest in manifests
        ],
        "overflowed_paths": sum(manifest["overflowed_paths"] for manifest in manifests),
        "invariants": {
            name: _report(name, value, asked.targets.get(name), asked.bounds.get(name))
            for name, value in measured.items()
        },
    }


def _report(
    name: str, measured: Moments, asked: float | None, bounds: tuple[float | None, float | None] | None
) -> dict:
    return {
        "asked": asked,
        "bounds": None if bounds is None else list(bounds),
        "measured": measured.mean if measured.count else None,
        "standard_error": measured.standard_error,
        "passed": passed(name, measured, asked, bounds),
        "estimates": measured.count,
        "of": measured.of,
    }
