"""Hill's estimator of the tail index."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless


def tail_index(losses: Float[Array, " steps"], *, tail_count: int) -> Estimate:
    r"""Estimate the tail index from the largest losses.

    $$\hat\xi = \frac1k \sum_{i=1}^k \log\frac{L_{(n-i+1)}}{L_{(n-k)}}$$

    where $P(L > x) \sim x^{-1/\xi}$: 1/4 for Student-t with four degrees of freedom. Unchanged by rescaling and by
    reordering the losses, not by shifting them.

    Args:
        losses: positive numbers are losses.
        tail_count: k, the number of losses above the threshold.

    Returns:
        xi and its standard error xi / sqrt(k), which assumes independent exceedances. NaN with TOO_SHORT if fewer
        than k + 1 losses are positive, CONSTANT (also if the largest k + 1 are equal) or NON_FINITE.

    Raises:
        ValueError: if `tail_count` is less than 2.

    References:
        Hill (1975), Annals of Statistics 3(5), 1163-1174.
    """
    if tail_count < 2:
        raise ValueError(f"tail_count must be at least 2, was {tail_count}.")
    losses = jnp.asarray(losses, float)
    outcome = inspect(losses, minimum=tail_count + 1)
    if losses.size < tail_count + 1:
        return no_estimate(outcome)
    largest, _ = lax.top_k(finite(losses), tail_count + 1)
    positive = largest[-1] > 0.0
    outcome = unless(outcome, ~positive, Outcome.TOO_SHORT)
    outcome = unless(outcome, largest[0] == largest[-1], Outcome.CONSTANT)
    excess = jnp.log(jnp.where(positive, largest[:-1], 1.0)) - jnp.log(jnp.where(positive, largest[-1], 1.0))
    value = jnp.mean(excess)
    return estimate(value, value / tail_count**0.5, outcome)
