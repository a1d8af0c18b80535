"""Sums over all pairs of points, a block of rows at a time, so that no matrix of pairs is ever held."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Carry = TypeVar("Carry")
PAIRS_AT_ONCE = 2**18
"""Pairs in one block: 2 MiB in double precision, what a core's own cache holds."""


def fold_rows(
    step: Callable[[Carry, Float[Array, "rows features"], Int[Array, " rows"]], Carry],
    init: Carry,
    points: Float[Array, "pool features"],
) -> Carry:
    """Return `init` after `step(carry, rows, places)` has seen every row of `points` once.

    Args:
        step: is given some rows and their places in the pool; a place outside it marks padding. Run again for the
            gradient instead of being remembered.
        init: first carry.
        points: one a row.
    """
    pool = points.shape[0]
    blocks = max(1, -(-pool * pool // PAIRS_AT_ONCE))
    rows = -(-pool // blocks)
    blocks = -(-pool // rows)
    padding = blocks * rows - pool
    padded = jnp.pad(points, ((0, padding), (0, 0)))
    places = jnp.arange(blocks * rows).reshape(blocks, rows)

    def one(carry, block):
        return step(carry, *block), None

    carry, _ = jax.lax.scan(jax.checkpoint(one), init, (padded.reshape(blocks, rows, points.shape[1]), places))
    return carry


def squared_distances(
    rows: Float[Array, "rows features"], points: Float[Array, "pool features"]
) -> Float[Array, "rows pool"]:
    """Return the mean over features of the squared difference, of each row and each point."""
    ours, theirs = jnp.sum(rows**2, axis=1), jnp.sum(points**2, axis=1)
    total = ours[:, None] + theirs[None, :] - 2.0 * rows @ points.T
    return jnp.maximum(total, 0.0) / points.shape[1]
