"""The P2 algorithm: a quantile from five markers, without keeping what it is of."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number

from .split_conformal import AbstractSplitConformal


class MarkerState(NamedTuple):
    """Heights and places of the five markers, and how many values there were; places count from 1."""

    heights: Float[Array, " 5"]
    places: Float[Array, " 5"]
    count: Int[Array, ""]


def p2_init() -> MarkerState:
    """Start with no values."""
    return MarkerState(jnp.full(5, jnp.inf, jnp.float64), jnp.arange(1.0, 6.0), jnp.zeros((), int))


def p2_step(state: MarkerState, value: Float[Array, ""], *, probability: Number) -> MarkerState:
    r"""Move the markers for one more value.

    The middle marker follows the quantile at `probability`; each inner marker that is a place or more from where it
    should be moves one place, its height along the parabola through its neighbours, or the line to the next where
    that would pass one.

    Args:
        state: from `p2_init` or this.
        value: finite.
        probability: p in (0, 1).

    References:
        Jain and Chlamtac (1985), Commun. ACM 28(10), box 1.
    """
    filled = jnp.sort(state.heights.at[jnp.minimum(state.count, 4)].set(value))
    heights = state.heights.at[0].min(value).at[4].max(value)
    # Markers above the value go one place on; the first never does.
    places = state.places + ((jnp.arange(5) > 0) & ((value < heights) | (jnp.arange(5) == 4))).astype(float)
    share = jnp.stack([0.0 * jnp.asarray(probability), probability / 2.0, probability, (1.0 + probability) / 2.0, 1.0])
    wanted = 1.0 + state.count.astype(float) * share
    for marker in (1, 2, 3):
        heights, places = _adjusted(heights, places, wanted[marker] - places[marker], marker)
    first = state.count < 5
    return MarkerState(jnp.where(first, filled, heights), jnp.where(first, state.places, places), state.count + 1)


def _adjusted(heights: Float[Array, " 5"], places: Float[Array, " 5"], behind: Float[Array, ""], i: int):
    below, here, above = heights[i - 1], heights[i], heights[i + 1]
    left, right = places[i] - places[i - 1], places[i + 1] - places[i]
    d = jnp.where((behind >= 1.0) & (right > 1.0), 1.0, jnp.where((behind <= -1.0) & (left > 1.0), -1.0, 0.0))
    rise, fall = (above - here) / right, (here - below) / left
    parabola = here + d / (left + right) * ((left + d) * rise + (right - d) * fall)
    line = here + d * jnp.where(d > 0.0, rise, fall)
    moved = jnp.where((below < parabola) & (parabola < above), parabola, line)
    return heights.at[i].set(jnp.where(d == 0.0, here, moved)), places.at[i].add(d)


class P2Conformal(AbstractSplitConformal):
    """The papers' cold-start bound: the P2 estimate of the quantile at 1 - alpha.

    An estimate without a promise of coverage, and one that does not forget: after the scale of 1,000 scores has
    tripled it reads far below the new quantile. Never a default.
    """

    def quantile(self, scores, *, miscoverage, held=None):
        """Return the middle marker after all scores; +inf below five."""
        size = scores.shape[0]
        count = jnp.asarray(size if held is None else held)

        def bar(state, place):
            moved = p2_step(state, scores[place], probability=1.0 - miscoverage)
            return jax.tree.map(lambda new, old: jnp.where(place >= size - count, new, old), moved, state), None

        state = jax.lax.scan(bar, p2_init(), jnp.arange(size))[0]
        return jnp.where(count < 5, jnp.inf, state.heights[2])
