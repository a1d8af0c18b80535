"""The median of all distances between points, found by narrowing a bracket instead of sorting."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .blocks import fold_rows, squared_distances

CUTS = 8
"""Values at which a bracket is cut in one pass."""


class _Pair(NamedTuple):
    """A squared distance and the two points that it lies between."""

    value: Float[Array, ""]
    one: Int[Array, ""]
    other: Int[Array, ""]


class _Survey(NamedTuple):
    """What one pass over all pairs finds out about a bracket (low, high].

    Attributes:
        below: how many distances are at most each cut; the last cut is `high`.
        smallest: distance in the bracket.
        largest: distance in the bracket.
        beyond: the smallest distance above it, its value negated.
    """

    below: Int[Array, " cuts"]
    smallest: Float[Array, ""]
    largest: _Pair
    beyond: _Pair


class _Bracket(NamedTuple):
    low: Float[Array, ""]
    high: Float[Array, ""]


def median_squared_distance(points: Float[Array, "pool features"]) -> Float[Array, ""]:
    """Return the median over all pairs of the mean squared difference: exact, and differentiable in the middle pair.

    Every pass computes the distances anew and cuts the bracket around the middle to a ninth, so that memory grows with
    the pool, not with its square. A million pairs take about ten passes.
    """
    seen = jax.lax.stop_gradient(points)
    pairs = points.shape[0] * (points.shape[0] - 1) // 2
    lower, upper = (pairs + 1) // 2, pairs // 2 + 1  # ranks of the middle: one and the same if pairs are odd
    nothing = _nothing(points.dtype)
    everything = _Bracket(jnp.asarray(-1.0, points.dtype), 4.0 * jnp.max(jnp.mean(seen**2, axis=1)) + 1.0)

    def unsettled(state: tuple[_Bracket, _Survey, Bool[Array, ""]]) -> Bool[Array, ""]:
        return state[2]

    def narrow(state):
        bracket, _, _ = state
        cuts = _cuts(bracket)
        survey = _survey(seen, bracket, cuts)
        enough = survey.below >= lower
        low = jnp.max(jnp.where(enough, bracket.low, cuts))
        high = jnp.minimum(jnp.min(jnp.where(enough, cuts, bracket.high)), survey.largest.value)
        return _Bracket(low, high), survey, survey.smallest < survey.largest.value

    _, found, _ = jax.lax.while_loop(unsettled, narrow, (everything, nothing, jnp.array(True)))
    # One value is left in the bracket: the lower middle. Pairs of the upper middle may be among its ties.
    tied = found.below[-1] >= upper
    middle, next_up = _between(points, found.largest), _between(points, found.beyond)
    return jnp.where(tied, middle, 0.5 * (middle + next_up))


def _cuts(bracket: _Bracket) -> Float[Array, " cuts"]:
    fractions = jnp.arange(1, CUTS + 1, dtype=bracket.low.dtype) / (CUTS + 1)
    return jnp.append(bracket.low + (bracket.high - bracket.low) * fractions, bracket.high)


def _between(points: Float[Array, "pool features"], pair: _Pair) -> Float[Array, ""]:
    return jnp.mean((points[pair.one] - points[pair.other]) ** 2)


def _nothing(dtype) -> _Survey:
    infinite, nowhere = jnp.asarray(jnp.inf, dtype), jnp.asarray(0)
    return _Survey(
        below=jnp.zeros(CUTS + 1, int),
        smallest=infinite,
        largest=_Pair(-infinite, nowhere, nowhere),
        beyond=_Pair(-infinite, nowhere, nowhere),
    )


def _survey(points: Float[Array, "pool features"], bracket: _Bracket, cuts: Float[Array, " cuts"]) -> _Survey:
    pool = points.shape[0]

    def step(found: _Survey, rows, places) -> _Survey:
        distance = squared_distances(rows, points)
        # Each pair once; a place beyond the pool, which is padding, has no pair.
        distance = jnp.where(places[:, None] < jnp.arange(pool)[None, :], distance, jnp.inf)
        largest = _largest(jnp.where(distance <= bracket.high, distance, -jnp.inf), places)
        beyond = _largest(jnp.where(distance > bracket.high, -distance, -jnp.inf), places)
        # One cut after the other, as side by side they would be held for all pairs; and in half the width of a count.
        below = jax.lax.map(lambda cut: jnp.sum(jnp.sum(distance <= cut, axis=0, dtype=jnp.int32)), cuts)
        return _Survey(
            below=found.below + below.astype(int),
            smallest=jnp.minimum(found.smallest, jnp.min(jnp.where(distance > bracket.low, distance, jnp.inf))),
            largest=_larger(largest, found.largest),
            beyond=_larger(beyond, found.beyond),
        )

    return fold_rows(step, _nothing(points.dtype), points)


def _largest(values: Float[Array, "rows pool"], places: Int[Array, " rows"]) -> _Pair:
    row = jnp.argmax(jnp.max(values, axis=1))
    other = jnp.argmax(values[row])
    return _Pair(values[row, other], places[row], other)


def _larger(one: _Pair, other: _Pair) -> _Pair:
    return jax.tree.map(lambda a, b: jnp.where(one.value > other.value, a, b), one, other)
