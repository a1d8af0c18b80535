"""The moment estimator of the tail index, which may also find a tail that is not heavy."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless


def _variance(index: Float[Array, ""]) -> Float[Array, ""]:
    """Return k times the estimator's asymptotic variance."""
    negative = jnp.minimum(index, 0.0)
    light = (1.0 - negative) ** 2 * (1.0 - 2.0 * negative) * (1.0 - negative + 6.0 * negative**2)
    return jnp.where(index >= 0.0, 1.0 + index**2, light / ((1.0 - 3.0 * negative) * (1.0 - 4.0 * negative)))


def tail_index_moment(losses: Float[Array, " steps"], *, tail_count: int) -> Estimate:
    r"""Estimate the extreme-value index from the first two moments of the log-excesses.

    $$\hat\gamma = M_1 + 1 - \frac12 \Bigl(1 - \frac{M_1^2}{M_2}\Bigr)^{-1}, \qquad
      M_r = \frac1k \sum_{i=1}^k \log^r\frac{L_{(n-i+1)}}{L_{(n-k)}}$$

    Hill's $M_1$ must be positive; this one is negative for a tail with an end point and 0 for an exponential one, so
    it says whether Hill's number means anything. It is noisy: two to four times Hill's error.

    Args:
        losses: positive numbers are losses.
        tail_count: k, the number of losses above the threshold.

    Returns:
        The index and its asymptotic standard error, which assumes independent exceedances and is
        $\sqrt{(1+\gamma^2)/k}$ if the index is positive. NaN with TOO_SHORT if fewer than k + 1 losses are positive,
        CONSTANT (also if the largest k + 1 are equal) or NON_FINITE.

    Raises:
        ValueError: if `tail_count` is less than 3.

    References:
        Dekkers, Einmahl and de Haan (1989), Annals of Statistics 17(4), 1833-1855; de Haan and Ferreira (2006), Extreme
        Value Theory, theorem 3.5.4.
    """
    if tail_count < 3:
        raise ValueError(f"tail_count must be at least 3, was {tail_count}.")
    losses = jnp.asarray(losses, float)
    outcome = inspect(losses, minimum=tail_count + 1)
    if losses.size < tail_count + 1:
        return no_estimate(outcome)
    largest, _ = lax.top_k(finite(losses), tail_count + 1)
    positive = largest[-1] > 0.0
    outcome = unless(outcome, ~positive, Outcome.TOO_SHORT)
    outcome = unless(outcome, largest[0] == largest[-1], Outcome.CONSTANT)
    excess = jnp.log(jnp.where(positive, largest[:-1] / largest[-1], 1.0))
    first, second = jnp.mean(excess), jnp.mean(excess**2)
    spread = 1.0 - first**2 / jnp.where(second > 0.0, second, 1.0)
    # All k excesses equal: the second moment says nothing that the first did not.
    outcome = unless(outcome, spread <= 1e-12, Outcome.CONSTANT)
    value = first + 1.0 - 0.5 / jnp.where(spread > 1e-12, spread, 1.0)
    return estimate(value, jnp.sqrt(_variance(value) / tail_count), outcome)
