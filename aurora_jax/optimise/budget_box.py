r"""The polytope $\{w : 1^T w = b, l \le w \le u\}$: where it is, and the linear minimum over it."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number


def is_feasible(
    lower: Float[Array, " d"], upper: Float[Array, " d"], *, budget: Number = 1.0, tolerance: Number = 1e-12
) -> Bool[Array, ""]:
    """Return whether some w meets the budget within its bounds; False where a bound is NaN."""
    ordered = jnp.all(lower <= upper)
    return ordered & (jnp.sum(lower) <= budget + tolerance) & (jnp.sum(upper) >= budget - tolerance)


def centre(lower: Float[Array, " d"], upper: Float[Array, " d"], *, budget: Number = 1.0) -> Float[Array, " d"]:
    """Return the point that goes the same share of the way from lower to upper in each coordinate."""
    width = upper - lower
    room = jnp.sum(width)
    share = jnp.where(room > 0.0, (budget - jnp.sum(lower)) / jnp.where(room > 0.0, room, 1.0), 0.0)
    return lower + jnp.clip(share, 0.0, 1.0) * width


def restore(
    w: Float[Array, " d"], lower: Float[Array, " d"], upper: Float[Array, " d"], *, budget: Number = 1.0
) -> Float[Array, " d"]:
    """Return a feasible point close to `w`: clip, then move towards the bounds in proportion to the room left.

    Exact up to rounding; `w` itself where it is feasible. Needs a feasible polytope.
    """
    clipped = jnp.clip(w, lower, upper)
    missing = budget - jnp.sum(clipped)
    room = jnp.where(missing > 0.0, upper - clipped, clipped - lower)
    total = jnp.sum(room)
    share = jnp.where(total > 0.0, missing / jnp.where(total > 0.0, total, 1.0), 0.0)
    return clipped + jnp.clip(share, -1.0, 1.0) * room


def linear_minimum(
    cost: Float[Array, " d"], lower: Float[Array, " d"], upper: Float[Array, " d"], *, budget: Number = 1.0
) -> Float[Array, ""]:
    """Return the minimum of cost' w: start at the lower bounds, spend the rest of the budget where it is cheapest."""
    order = jnp.argsort(cost)
    cheapest_first = cost[order]
    room = (upper - lower)[order]
    spent_before = jnp.cumsum(room) - room
    spend = jnp.clip(budget - jnp.sum(lower) - spent_before, 0.0, room)
    return cost @ lower + cheapest_first @ spend
