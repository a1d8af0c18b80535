"""The distance between two samples' tails."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .tail_dependence import tail_size


def _variance(tail: Float[Array, " tail"], sign: Float[Array, " pieces"], piece: np.ndarray, *, steps: int):
    """Return the variance of the distance that one sample's randomness brings.

    An observation moves the distance by the signed length of the tail below it, A, over the tail's probability.
    """
    ascending = tail[::-1]
    # The sign of the gap between the two tails on the way from one observation to the next higher.
    way = jnp.concatenate([jnp.zeros_like(tail[:1]), (ascending[1:] - ascending[:-1]) * sign[piece]])
    signed = jnp.cumsum(way)
    probability = tail.size / steps
    mean = jnp.sum(signed) / steps
    variance = jnp.sum(signed**2) / steps - mean**2
    return variance / (steps * probability**2)


def tail_wasserstein(x: Float[Array, " first"], y: Float[Array, " second"], *, quantile: float) -> Estimate:
    r"""Measure how far apart two samples lie beyond a quantile, each beyond its own.

    $$W = \frac1{1-q} \int_q^1 |F_x^{-1}(u) - F_y^{-1}(u)|\,du$$

    the first Wasserstein distance between the laws of the k largest of each, in their units; 0 if they are the same.
    If one tail dominates the other it is the difference of the expected shortfalls.

    Args:
        x: the first sample; large is extreme (pass losses).
        y: the second, of any length.
        quantile: q in (0, 1); 0 < k = floor(n (1 - q)).

    Returns:
        The distance with a standard error for independent observations, by the delta method. Between samples of one
        law the distance is not 0 but about as large as that error. NaN with TOO_SHORT if either tail has fewer than 2
        observations, CONSTANT if both tails are the same single number, or NON_FINITE.

    Raises:
        ValueError: if `quantile` is out of range.

    References:
        Villani (2009), Optimal Transport, remark 6.6; del Barrio, Giné and Matrán (1999), Annals of Probability 27(2),
        1009-1071, on its asymptotics.
    """
    x, y = jnp.asarray(x, float), jnp.asarray(y, float)
    counts = tail_size(x.size, quantile), tail_size(y.size, quantile)
    if min(counts) < 2:
        return no_estimate(Outcome.TOO_SHORT)
    of_x, of_y = inspect(x, minimum=2), inspect(y, minimum=2)
    # One constant sample is as good as any to measure a distance from: only what is not finite is refused.
    outcome = jnp.where(jnp.maximum(of_x, of_y) == Outcome.NON_FINITE, jnp.maximum(of_x, of_y), int(Outcome.OK))
    first, second = (lax.top_k(finite(s), count)[0] for s, count in zip((x, y), counts, strict=True))
    # Both quantile functions are constant between consecutive multiples of 1 / k_x and 1 / k_y, known beforehand.
    edges = np.unique(np.concatenate([np.arange(count + 1) / count for count in counts]).round(12))
    middle = 0.5 * (edges[1:] + edges[:-1])
    in_first, in_second = ((count * (1.0 - middle)).astype(int) for count in counts)
    gap = first[in_first] - second[in_second]
    value = jnp.sum(jnp.abs(gap) * jnp.asarray(np.diff(edges), x.dtype))
    outcome = unless(outcome, (of_x == Outcome.CONSTANT) & (of_y == Outcome.CONSTANT), Outcome.CONSTANT)
    sign = jnp.sign(gap)
    pieces = [np.searchsorted(middle, np.arange(1, count) / count) for count in counts]
    variance = _variance(first, sign, pieces[0], steps=x.size) + _variance(second, sign, pieces[1], steps=y.size)
    return estimate(value, jnp.sqrt(variance), outcome)
