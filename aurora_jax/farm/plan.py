"""The plan: a catalogue cut into chunks, each known by the digest of all that decides its bytes."""

import importlib.metadata
import sysconfig
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from .. import __version__
from ..config.seb_plus import SebPlusConfig
from ..scenarios import Cell, canonical, sha256
from ..teacher import NFSDE

STEP_SIZE_BARS = 1.0
# Tail estimates depend on the level they are taken at, so the level is part of the recipe and of every manifest.
# A week without an exceedance ends a cluster: one bar would miss clusters of a persistent scale, whose bars alternate.
MEASURED_AT = {"tail_share": 0.025, "extreme_quantile": 0.95, "run_length": 5}
CHUNK_FORMAT = 2  # to be raised whenever the same recipe comes to mean other bytes: 2 measures what families stress
_LIBRARIES = ("jax", "jaxlib", "numpy", "equinox", "diffrax", "pyarrow")


class ChunkSpec(NamedTuple):
    """One unit of work: some paths of one cell, in one file.

    Attributes:
        cell: the cell.
        shard: number of the chunk within its cell.
        first_path: number of its first path within the cell.
        paths: how many paths it holds.
        seed: root seed of the data set.
        recipe: everything that decides the chunk's bytes, as plain values.
    """

    cell: Cell
    shard: int
    first_path: int
    paths: int
    seed: int
    recipe: dict

    @property
    def digest(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the recipe."""
        return sha256(canonical(self.recipe).encode())[:12]

    @property
    def seed_path(self) -> tuple[str, str, int]:
        """Return the named stream that the chunk draws from."""
        return ("seb", self.cell.name, self.shard)

    @property
    def file(self) -> PurePosixPath:
        """Return the Parquet file, relative to the data set."""
        return PurePosixPath(f"cell={self.cell.name}") / f"part-{self.shard:05d}-{self.digest}.parquet"

    @property
    def manifest(self) -> PurePosixPath:
        """Return the chunk's manifest, relative to the data set."""
        return self.file.with_name(f"_{self.file.stem}.json")

    @property
    def rows(self) -> int:
        """Return the rows of the Parquet file: one per path and point."""
        return self.paths * (self.cell.steps + 1)

    @property
    def path_steps(self) -> int:
        """Return the solver steps over all paths."""
        return self.paths * self.cell.steps


def plan(config: SebPlusConfig, *, teacher: NFSDE | None = None, backend: str = "cpu") -> tuple[ChunkSpec, ...]:
    """Cut the catalogue into chunks, in catalogue order; the same arguments always give the same plan.

    The number of paths in a cell is no part of a chunk's recipe, nor are other cells, so a larger data set reuses the
    whole chunks of a smaller one.

    Raises:
        ValueError: if a cell needs a teacher and there is none.
    """
    of_teacher = None if teacher is None else digest_of(teacher)
    common = {
        "chunk_format": CHUNK_FORMAT,
        "seed": config.seed,
        "step_size": STEP_SIZE_BARS,
        "measured_at": MEASURED_AT,
        "shard_paths": config.shard_paths,
        "threads_per_worker": config.threads_per_worker,
        "backend": backend,
        "versions": versions(),
    }
    specs = []
    for cell in config.catalogue():
        if cell.family.needs_teacher and of_teacher is None:
            raise ValueError(f"cell {cell.name!r} of family {cell.family} needs a teacher, was None.")
        description = {name: value for name, value in cell.description().items() if name != "paths"}
        source = of_teacher if cell.family.needs_teacher else None
        digest = config_digest(config, cell.name)
        for shard, first in enumerate(range(0, cell.paths, config.shard_paths)):
            paths = min(config.shard_paths, cell.paths - first)
            recipe = {
                **common,
                "config_digest": digest,
                "cell": description,
                "teacher": source,
                "shard": shard,
                "paths": paths,
            }
            specs.append(ChunkSpec(cell, shard, first, paths, config.seed, recipe))
    return tuple(specs)


def config_digest(config: SebPlusConfig, cell: str) -> str:
    """Return the digest of the configuration of one cell alone, at one chunk of paths: what its manifests hold."""
    return config.narrowed(cells=[cell], paths=config.shard_paths).digest()


def digest_of(model: eqx.Module) -> str:
    """Return the first 16 hex digits of a SHA-256 over a model's structure, settings and arrays."""
    structure = eqx.tree_pformat(model, short_arrays=True)  # names functions without their addresses
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(model) if eqx.is_array(leaf)]
    return sha256(b"".join([structure.encode(), *(array.tobytes() for array in arrays)]))[:16]


def versions() -> dict[str, str]:
    """Return the versions and the platform on which a chunk's bytes depend."""
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"aurora_jax": __version__, "platform": sysconfig.get_platform(), **libraries}


def cells_of(specs: Sequence[ChunkSpec]) -> dict[str, list[ChunkSpec]]:
    """Group a plan by cell, keeping its order."""
    grouped: dict[str, list[ChunkSpec]] = {}
    for spec in specs:
        grouped.setdefault(spec.cell.name, []).append(spec)
    return grouped
