"""Size of a plan before it runs."""

from typing import NamedTuple

from ..teacher import NFSDE
from .plan import ChunkSpec

# Single-precision random walks do not compress: what remains of path, step, regime and jumps is about a byte a row.
_PRICE_BYTES, _INDEX_BYTES = 4, 1


class Size(NamedTuple):
    """Estimated bytes of a chunk's file, and of its arrays while a worker makes it."""

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
    # Noise, states, stored copy and table: measured at about ten double-precision values a column and row.
    return Size(file_bytes=spec.rows * row, memory_bytes=spec.rows * columns * 80)
