"""A test for jumps from realised and bipower variation."""

import math

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from aurora_jax.core import TestResult


def _absolute_moment(power: float) -> float:
    """Return E|Z|^power for a standard normal Z."""
    return 2.0 ** (power / 2.0) * math.gamma((power + 1.0) / 2.0) / math.sqrt(math.pi)


def jump_test(returns: Float[Array, " steps"]) -> TestResult:
    r"""Test the null that a path has no jumps, by the ratio of bipower to realised variation.

    $$Z = \frac{1 - BV/RV}{\sqrt{(\pi^2/4 + \pi - 5)\, n^{-1} \max(1, TP/BV^2)}}$$

    $$RV = \sum r_i^2, \quad BV = \frac{\pi}{2}\frac{n}{n-1}\sum |r_i||r_{i-1}|, \quad
      TP = \frac{n}{\mu_{4/3}^3}\frac{n}{n-2}\sum |r_i r_{i-1} r_{i-2}|^{4/3}$$

    Standard normal without jumps (Brownian noise with volatility that varies slowly against the step), large and
    positive with them; the p-value is one-sided. Returns that are all the same, or of which no two neighbours differ
    from 0, hold no evidence of a continuous part to compare with: statistic 0, p-value 1.

    Args:
        returns: equally spaced, at least 3.

    Raises:
        ValueError: if there are fewer than 3 returns.
        RuntimeError: at run time, if they hold NaN or infinity.

    References:
        Barndorff-Nielsen and Shephard (2006), J. Financial Econometrics 4(1), 1-30; Huang and Tauchen (2005),
        J. Financial Econometrics 3(4), 456-499, eq. 14.
    """
    count = returns.shape[0]
    if count < 3:
        raise ValueError(f"a jump test needs at least 3 returns, found {count}.")
    returns = jnp.asarray(returns, float)
    returns = eqx.error_if(returns, ~jnp.all(jnp.isfinite(returns)), "returns hold NaN or infinity.")
    size = jnp.abs(returns)
    largest = jnp.max(size)
    size = size / jnp.where(largest > 0.0, largest, 1.0)  # tiny returns would underflow in fourth powers
    realised = jnp.sum(size**2)
    bipower = 0.5 * math.pi * count / (count - 1) * jnp.sum(size[1:] * size[:-1])
    root = size ** (4.0 / 3.0)
    scale = count**2 / (count - 2) / _absolute_moment(4.0 / 3.0) ** 3
    tripower = scale * jnp.sum(root[2:] * root[1:-1] * root[:-2])

    comparable = (bipower > 0.0) & (jnp.max(returns) > jnp.min(returns))
    spread = jnp.maximum(1.0, tripower / jnp.where(comparable, bipower, 1.0) ** 2)
    error = jnp.sqrt((math.pi**2 / 4.0 + math.pi - 5.0) / count * spread)
    statistic = jnp.where(comparable, (1.0 - bipower / jnp.where(comparable, realised, 1.0)) / error, 0.0)
    return TestResult(statistic, jnp.where(comparable, norm.sf(statistic), 1.0))
