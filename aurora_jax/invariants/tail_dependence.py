"""Upper tail dependence: how often two series are extreme together."""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless


def tail_size(steps: int, quantile: float) -> int:
    """Return how many of `steps` observations lie above their empirical quantile.

    Raises:
        ValueError: if `quantile` is not in (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile must lie in (0, 1), was {quantile}.")
    return math.floor(steps * (1.0 - quantile) + 1e-9)


def exceedances(series: Float[Array, " steps"], *, count: int) -> Bool[Array, " steps"]:
    """Mark the `count` largest observations; fewer if ties straddle the threshold."""
    return series > lax.top_k(series, count + 1)[0][-1]


def joint_share(
    joint: Float[Array, "*batch"], first: Float[Array, "*batch"], second: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Return joint exceedances over the mean number of marginal ones; 0 where there are none."""
    marginal = 0.5 * (first + second)
    return joint / jnp.where(marginal > 0.0, marginal, 1.0)


def tail_dependence(x: Float[Array, " steps"], y: Float[Array, " steps"], *, quantile: float) -> Estimate:
    r"""Estimate the coefficient of upper tail dependence by ranks.

    $$\hat\lambda = \frac1k \sum_t 1\{R^x_t > n - k,\; R^y_t > n - k\}, \qquad k = \lfloor n (1 - q) \rfloor$$

    The estimate belongs to the level q: $\lambda$ is its limit for $q \to 1$, so always report q with it.

    Args:
        x: the first series; large is extreme (pass losses).
        y: the second, on the same times.
        quantile: q in (0, 1), e.g. .95.

    Returns:
        lambda in [0, 1] with standard error $\sqrt{\lambda (1 - \lambda)(1 - \lambda/2) / k}$, that of the empirical
        tail copula for a symmetric tail and independent times. It is evaluated at (joint + 1/2) / (k + 1), so that none
        or only joint exceedances do not pretend to certainty. NaN with TOO_SHORT if k < 2; CONSTANT or NON_FINITE.

    Raises:
        ValueError: if `quantile` is out of range, or the series differ in length.

    References:
        Schmidt and Stadtmüller (2006), Scandinavian Journal of Statistics 33(2), 307-335, theorem 5.
    """
    x, y = jnp.asarray(x, float), jnp.asarray(y, float)
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same length, were {x.size} and {y.size}.")
    count = tail_size(x.size, quantile)
    if count < 2:
        return no_estimate(Outcome.TOO_SHORT)
    of_x, of_y = inspect(x, minimum=count + 1), inspect(y, minimum=count + 1)
    outcome = jnp.where(of_x == Outcome.OK, of_y, of_x)
    x_exceeds, y_exceeds = exceedances(finite(x), count=count), exceedances(finite(y), count=count)
    joint, first, second = (jnp.sum(e).astype(x.dtype) for e in (x_exceeds & y_exceeds, x_exceeds, y_exceeds))
    # More than k observations tied at the maximum: none of them is extreme.
    outcome = unless(outcome, (first == 0.0) | (second == 0.0), Outcome.CONSTANT)
    value = joint_share(joint, first, second)
    smoothed = (count * value + 0.5) / (count + 1.0)
    variance = smoothed * (1.0 - smoothed) * (1.0 - 0.5 * smoothed) / count
    return estimate(value, jnp.sqrt(variance), outcome)
