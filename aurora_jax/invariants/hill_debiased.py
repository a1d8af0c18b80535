"""The tail index by regression on log-spacings: Hill's estimator without its bias of second order."""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .log_log import slope_weights


def log_spacings(losses: Float[Array, " steps"], *, tail_count: int) -> tuple[Float[Array, " tail"], Int[Array, ""]]:
    r"""Return the scaled log-spacings $U_i = i (\log L_{(n-i+1)} - \log L_{(n-i)})$ of the k largest, and an outcome.

    Independent exponential variables of mean $\xi$ for a Pareto tail. All 0 where the outcome is not OK.
    """
    outcome = inspect(losses, minimum=tail_count + 1)
    largest, _ = lax.top_k(finite(losses), tail_count + 1)
    positive: Bool[Array, ""] = largest[-1] > 0.0
    outcome = unless(outcome, ~positive, Outcome.TOO_SHORT)
    outcome = unless(outcome, largest[0] == largest[-1], Outcome.CONSTANT)
    logarithm = jnp.log(jnp.where(positive, largest, 1.0))
    return jnp.arange(1, tail_count + 1, dtype=losses.dtype) * (logarithm[:-1] - logarithm[1:]), outcome


def regress(
    spacings: Float[Array, " tail"],
) -> tuple[Float[Array, ""], Float[Array, ""], float]:
    """Return intercept and slope of the spacings on i / (k + 1), and the intercept's error over the spacings' mean."""
    count = spacings.size
    share = np.arange(1, count + 1) / (count + 1)
    weights = slope_weights(share)
    slope = jnp.asarray(weights, spacings.dtype) @ spacings
    error = math.sqrt(np.sum((1.0 / count - 0.5 * weights) ** 2))
    return jnp.mean(spacings) - 0.5 * slope, slope, error


def tail_index_debiased(losses: Float[Array, " steps"], *, tail_count: int) -> Estimate:
    r"""Estimate the tail index from the largest losses, with the leading term of Hill's bias removed.

    Beyond a Pareto tail the scaled log-spacings are about exponential with mean $\xi + b\,(i/(k+1))^{-\rho}$. With
    $\rho = -1$, a fixed guess that costs little where it is wrong, $\hat\xi$ is the intercept of

    $$U_i = i\,(\log L_{(n-i+1)} - \log L_{(n-i)}) \approx \xi + b\,\frac{i}{k+1}$$

    by least squares; Hill's estimator is the mean of the same $U_i$. Twice the error of Hill at the same k, but k may
    be several times larger: on 2,000 draws of |t_4| its root mean square error at the top 10 % is .05, Hill's .10.

    Args:
        losses: positive numbers are losses.
        tail_count: k, the number of losses above the threshold; 10 % of them is a fair choice.

    Returns:
        xi and its standard error, about 2 xi / sqrt(k), which assumes independent exceedances: on ARCH(1) it is a
        quarter too small. NaN with TOO_SHORT if fewer than k + 1 losses are positive, CONSTANT (also if the largest
        k + 1 are equal) or NON_FINITE.

    Raises:
        ValueError: if `tail_count` is less than 3.

    References:
        Beirlant, Dierckx, Goegebeur and Matthys (1999), Extremes 2(2), 177-200, eq. 6; Feuerverger and Hall (1999),
        Annals of Statistics 27(2), 760-781.
    """
    if tail_count < 3:
        raise ValueError(f"tail_count must be at least 3, was {tail_count}.")
    losses = jnp.asarray(losses, float)
    if losses.size < tail_count + 1:
        return no_estimate(inspect(losses, minimum=tail_count + 1))
    spacings, outcome = log_spacings(losses, tail_count=tail_count)
    value, _, error = regress(spacings)
    return estimate(value, error * jnp.mean(spacings), outcome)
