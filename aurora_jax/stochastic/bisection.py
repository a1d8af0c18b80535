"""Bisection of a predicate, elementwise."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

BISECTIONS = 60


def bisect(
    holds: Callable[[Float[Array, "*shape"]], Bool[Array, "*shape"]],
    low: Float[Array, "*shape"],
    high: Float[Array, "*shape"],
) -> Float[Array, "*shape"]:
    """Return where the predicate turns from true to false, between `low` and `high`; an end, if it does not turn."""

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        below = holds(middle)
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = lax.fori_loop(0, BISECTIONS, halve, (low, high))
    return 0.5 * (low + high)
