"""The distance between two samples' tails."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .tail_dependence import tail_size


def _variance(signed: Float[Array, " pooled"], member: Bool[Array, " pooled"], *, count: int, steps: int):
    """Return the variance of the distance that one sample's randomness brings.

    An observation moves the distance by the signed length of its tail below it, over the tail's probability; one below
    the tail does not.
    """
    moved = jnp.where(member, signed - signed[jnp.argmax(member)], 0.0)
    variance = jnp.sum(moved**2) / steps - (jnp.sum(moved) / steps) ** 2
    return variance * steps / count**2


def tail_wasserstein(x: Float[Array, " first"], y: Float[Array, " second"], *, quantile: float) -> Estimate:
    r"""Measure how far apart two samples lie beyond a quantile, each beyond its own.

    $$W = \frac1{1-q} \int_q^1 |F_x^{-1}(u) - F_y^{-1}(u)|\,du = \int |G_x(v) - G_y(v)|\,dv$$

    with G the laws of the k largest of each: their first Wasserstein distance, in their units; 0 if they are the same.
    If one tail dominates the other it is the difference of the expected shortfalls.

    Args:
        x: the first sample; large is extreme (pass losses).
        y: the second, of any length.
        quantile: q in (0, 1); 0 < k = floor(n (1 - q)).

    Returns:
        The distance with a standard error for independent observations, by the delta method. Between samples of one
        law the distance is not 0 but about as large as that error. NaN with TOO_SHORT if either tail has fewer than 2
        observations, CONSTANT if both tails are the same single number, or NON_FINITE. A tail of ties has
        no spread that a sample could show: between two such tails the error is 0.

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
    tails = [lax.top_k(finite(sample), count)[0] for sample, count in zip((x, y), counts, strict=True)]
    pooled = jnp.concatenate(tails)
    outcome = unless(outcome, jnp.max(pooled) == jnp.min(pooled), Outcome.CONSTANT)
    # In units of the largest: squares of very large and very small numbers leave the range of floats.
    largest = jnp.max(jnp.abs(pooled))
    unit = jnp.where(largest > 0.0, largest, 1.0)
    pooled = pooled / unit
    order = jnp.argsort(pooled)
    in_first = order < counts[0]
    ascending = pooled[order]
    # k_x k_y (F_y - F_x) between one pooled observation and the next, in whole numbers so that equal is equal.
    ahead = (counts[0] * jnp.cumsum(~in_first) - counts[1] * jnp.cumsum(in_first))[:-1]
    width = ascending[1:] - ascending[:-1]
    value = jnp.sum(jnp.abs(ahead).astype(x.dtype) * width) / (counts[0] * counts[1])
    signed = jnp.concatenate([jnp.zeros_like(width[:1]), jnp.cumsum(jnp.sign(ahead).astype(x.dtype) * width)])
    variance = _variance(signed, in_first, count=counts[0], steps=x.size)
    variance += _variance(signed, ~in_first, count=counts[1], steps=y.size)
    return estimate(unit * value, unit * jnp.sqrt(variance), outcome)
