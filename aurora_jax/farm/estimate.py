"""Size of a plan before it runs."""

from typing import NamedTuple

from ..teacher import NFSDE
from .plan import ChunkSpec

# Single-precision random walks do not compress: what remains of path, step, regime and jumps is about a byte a row.
_PRICE_BYTES, _INDEX_BYTES = 4, 1
# Noise, states, stored copy and table: measured at 70 bytes a value at the peak. The process itself, with jax and a
# compilation under way, was measured at 0.8 to 1.1 GiB.
_VALUE_BYTES, _PROCESS_BYTES = 80, 2**30


class Size(NamedTuple):
    """Estimated bytes of a chunk's file, and of the worker's whole process while it makes it."""

    file_bytes: int
    memory_bytes: int


def size_of(spec: ChunkSpec, teacher: NFSDE | None) -> Size:
    """Estimate the size of a chunk from its shape."""
    law = spec.cell.law
    if law is not None:
        columns = law.assets
    elif teacher is None:
        raise ValueError(f"cell {spec.cell.name!r} of family {spec.cell.family} needs a teacher, was None.")
    else:
        columns = teacher.assets + teacher.factors
    row = _PRICE_BYTES * columns + _INDEX_BYTES
    return Size(file_bytes=spec.rows * row, memory_bytes=_PROCESS_BYTES + spec.rows * columns * _VALUE_BYTES)
