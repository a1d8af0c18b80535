"""Size of a plan before it runs."""

from typing import NamedTuple

from ..teacher import NFSDE
from .plan import ChunkSpec

# Single-precision random walks do not compress: what remains of path, step, regime and jumps is about a byte a row.
_PRICE_BYTES, _INDEX_BYTES = 4, 1
# Noise, states, stored copy and table: measured at 70 bytes a value at the peak. The process itself, with jax and a
# compilation under way, was measured at 0.8 to 1.1 GiB.
_VALUE_BYTES, _PROCESS_BYTES = 80, 2**30
# The teacher's fractional factors are dense: each has a covariance of steps x steps doubles and its Cholesky factor,
# once for all paths (`causal_factor`), and XLA holds more of them while it folds the covariance's constants. A process
# that made two paths peaked above one that made 64 steps by 29.5 such matrices at 2,048 steps, 29.9 at 4,096, with
# two factors 40.1 at 4,096, and with fractional prices 30.2; one that drew `ground_truth_fgn` by none at 8,192.
_DENSE_BYTES, _DENSE_MATRICES, _DENSE_MATRICES_A_FACTOR = 8, 20, 10


class Size(NamedTuple):
    """Estimated bytes of a chunk's file, and of the worker's whole process while it makes it."""

    file_bytes: int
    memory_bytes: int


def size_of(spec: ChunkSpec, teacher: NFSDE | None) -> Size:
    """Estimate the size of a chunk from its shape."""
    law, dense = spec.cell.law, 0
    if law is not None:
        columns = law.assets
    elif teacher is None:
        raise ValueError(f"cell {spec.cell.name!r} of family {spec.cell.family} needs a teacher, was None.")
    else:
        columns = teacher.assets + teacher.factors
        dense = (_DENSE_MATRICES + _DENSE_MATRICES_A_FACTOR * teacher.factors) * spec.cell.steps**2 * _DENSE_BYTES
    row = _PRICE_BYTES * columns + _INDEX_BYTES
    return Size(
        file_bytes=spec.rows * row,
        memory_bytes=_PROCESS_BYTES + dense + spec.rows * columns * _VALUE_BYTES,
    )
