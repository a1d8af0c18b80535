"""One chunk from recipe to files: simulate, measure, write."""

import time
from pathlib import Path
from typing import NamedTuple

import jax
import pyarrow as pa
import pyarrow.parquet as pq

from ..scenarios import sealed, sha256, to_table
from ..teacher import NFSDE
from .plan import STEP_SIZE_BARS, ChunkSpec
from .reduction import moments
from .simulate import simulate_chunk
from .store import write_atomically


class Receipt(NamedTuple):
    """What crosses the wire instead of data.

    Attributes:
        cell: name of the cell.
        shard: number of the chunk within it.
        paths: paths in it.
        path_steps: solver steps over all paths.
        bytes: size of the Parquet file.
        simulate_s: seconds to simulate and measure, compilation included.
        write_s: seconds to write.
    """

    cell: str
    shard: int
    paths: int
    path_steps: int
    bytes: int
    simulate_s: float
    write_s: float


def run_chunk(spec: ChunkSpec, teacher: NFSDE | None, out: Path) -> Receipt:
    """Make a chunk's Parquet file, then its manifest; doing it twice writes the same bytes twice.

    The manifest comes last, so that its presence means that the data were written whole.

    Raises:
        FarmError: if `out` cannot be written or the disk is full.
    """
    started = time.perf_counter()
    trajectories, invariants = jax.block_until_ready(simulate_chunk(spec, teacher))
    simulated = time.perf_counter()
    data = parquet_bytes(to_table(trajectories, first_path=spec.first_path))
    manifest = {
        "kind": "chunk",
        "cell": spec.cell.name,
        "shard": spec.shard,
        "file": str(spec.file),
        "sha256": sha256(data),
        "bytes": len(data),
        "rows": spec.rows,
        "first_path": spec.first_path,
        "paths": spec.paths,
        "steps": spec.cell.steps,
        "step_size": STEP_SIZE_BARS,
        "assets": trajectories.log_price.shape[-1],
        "factors": trajectories.log_volatility.shape[-1],
        "seed_path": list(spec.seed_path),
        "digest": spec.digest,
        "recipe": spec.recipe,
        "overflowed_paths": 0 if trajectories.overflowed is None else int(trajectories.overflowed.sum()),
        "invariants": {name: moments(estimate)._asdict() for name, estimate in sorted(invariants.items())},
    }
    write_atomically(out / spec.file, data)
    write_atomically(out / spec.manifest, sealed(manifest))
    return Receipt(
        cell=spec.cell.name,
        shard=spec.shard,
        paths=spec.paths,
        path_steps=spec.path_steps,
        bytes=len(data),
        simulate_s=simulated - started,
        write_s=time.perf_counter() - simulated,
    )


def parquet_bytes(table: pa.Table) -> bytes:
    """Return `table` as a Parquet file; every setting is fixed, so equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=["path", "step", "regime", "jumps"],  # pyright: ignore[reportArgumentType]
        write_statistics=True,
        store_schema=False,
        row_group_size=table.num_rows,
    )
    return sink.getvalue().to_pybytes()
