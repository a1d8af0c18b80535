"""Tail dependence of a Student-t copula: the parametric answer where the rank estimator sees few exceedances."""

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import betainc
from jaxtyping import Array, Float, Int
from scipy import stats

from aurora_jax.core import Estimate, Outcome

from .chebyshev import minimise, nodes
from .degenerate import estimate, finite, inspect, no_estimate, unless
from .jackknife import BLOCKS, jackknife_error
from .pair_counts import ranked

_NODES = 16
_FACTORS = 8
_LOWEST, _HIGHEST = 1.0, 200.0  # degrees of freedom; beyond, the copula is Gaussian for every purpose
_SHORTEST = 5 * BLOCKS
_NEAREST = 0.999  # the correlation of comonotone series, for which the density would be infinite


class StudentCopula(NamedTuple):
    """A Student-t copula fitted to two series.

    Attributes:
        correlation: rho, from Kendall's tau.
        degrees_of_freedom: nu in [1, 200]; 200 stands for a Gaussian copula.
        tail_dependence: the coefficient these two imply, the same for both tails.
    """

    correlation: Estimate
    degrees_of_freedom: Estimate
    tail_dependence: Estimate


def _degrees(position):
    """Return degrees of freedom at a position in [-1, 1], which is linear in their reciprocal."""
    low, high = 1.0 / _HIGHEST, 1.0 / _LOWEST
    return 1.0 / (0.5 * (low + high) + 0.5 * (high - low) * position)


@functools.lru_cache(maxsize=8)
def _quantiles(steps: int) -> tuple[Float[np.ndarray, "ranks nodes"], Float[np.ndarray, " nodes"]]:
    r"""Return t quantiles of i / (n + 1) at each node, 0 at rank 0, and the log-likelihood's part without rho."""
    degrees = _degrees(nodes(_NODES))
    table = stats.t.ppf(np.arange(1, steps + 1)[:, None] / (steps + 1), degrees[None, :])
    marginal = (degrees + 1.0) * np.sum(np.log1p(table**2 / degrees), axis=0)
    lgamma = np.vectorize(math.lgamma)
    norm = lgamma(0.5 * degrees + 1.0) + lgamma(0.5 * degrees) - 2.0 * lgamma(0.5 * degrees + 0.5)
    return np.vstack([np.zeros(_NODES), table]), marginal + steps * norm


def student_tail_dependence(
    correlation: Float[Array, "*batch"], degrees_of_freedom: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    r"""Return the coefficient of tail dependence of a Student-t copula.

    $$\lambda = 2\,t_{\nu+1}\Bigl(-\sqrt{\frac{(\nu+1)(1-\rho)}{1+\rho}}\Bigr)$$

    References:
        Demarta and McNeil (2005), International Statistical Review 73(1), 111-129, eq. 7.
    """
    nu = degrees_of_freedom + 1.0
    # P(T < -a) is half the regularised incomplete beta function at nu / (nu + a^2).
    ratio = (1.0 + correlation) / 2.0
    return betainc(0.5 * nu, jnp.full_like(nu, 0.5), ratio)


def _fit(
    first: Int[Array, " steps"], second: Int[Array, " steps"], correlation: Float[Array, ""], *, kept: int
) -> Float[Array, ""]:
    """Return the position of the likeliest degrees of freedom, given ranks (0: left out) and the correlation."""
    table, constant = (jnp.asarray(part, correlation.dtype) for part in _quantiles(kept))
    a, b = table[first], table[second]
    degrees = jnp.asarray(_degrees(nodes(_NODES)), correlation.dtype)
    free = 1.0 - correlation**2
    distance = (a * a - 2.0 * correlation * a * b + b * b) / (degrees[None, :] * free)
    # One logarithm for eight factors: each is below 1e14 even for a million steps, so that their product is finite.
    padded = jnp.concatenate([1.0 + distance, jnp.ones((-first.size % _FACTORS, _NODES), distance.dtype)])
    product = jnp.prod(padded.reshape(_FACTORS, -1, _NODES), axis=0)
    joint = 0.5 * (degrees + 2.0) * jnp.sum(jnp.log(product), axis=0)
    return minimise((joint - constant + 0.5 * kept * jnp.log(free)) / kept)


def leave_outs(x: Float[Array, " steps"], y: Float[Array, " steps"]) -> Float[Array, "leavings 3"]:
    """Return correlation, degrees of freedom and tail dependence, of all times and without each block of them."""
    steps = x.size
    ranks = ranked(x, y)
    correlation = jnp.clip(jnp.sin(0.5 * math.pi * ranks.tau), -_NEAREST, _NEAREST)
    whole = _fit(ranks.first[0], ranks.second[0], correlation[0], kept=steps)
    kept = steps - steps // BLOCKS
    parts = lax.map(
        lambda part: _fit(part[0], part[1], part[2], kept=kept), (ranks.first[1:], ranks.second[1:], correlation[1:])
    )
    degrees = _degrees(jnp.concatenate([whole[None], parts]))
    return jnp.stack([correlation, degrees, student_tail_dependence(correlation, degrees)], axis=1)


def check_pair(x: Float[Array, " steps"], y: Float[Array, " steps"]) -> Int[Array, ""]:
    """Return why no copula can be fitted, or OK."""
    of_x, of_y = inspect(x, minimum=_SHORTEST), inspect(y, minimum=_SHORTEST)
    return jnp.maximum(of_x, of_y)


def student_copula(x: Float[Array, " steps"], y: Float[Array, " steps"]) -> StudentCopula:
    r"""Fit a Student-t copula by ranks: the correlation by Kendall's tau, the degrees of freedom by likelihood.

    $$\hat\rho = \sin(\pi \hat\tau / 2), \qquad \hat\nu = \arg\max_\nu \sum_t \log
      \frac{f_{\nu,\hat\rho}(t_\nu^{-1}(u_t), t_\nu^{-1}(v_t))}{f_\nu(t_\nu^{-1}(u_t))\, f_\nu(t_\nu^{-1}(v_t))},
      \qquad (u, v) = \frac{\text{ranks}}{n + 1}$$

    The profile likelihood is computed at 16 Chebyshev nodes in 1/nu and minimised as their interpolant. Standard errors
    are a jackknife over ten blocks of time with ranks, tau and nu computed anew, so they include what ranks cost and
    bear dependence that is short against a block. If the pair is no Student-t copula, tail dependence is an
    extrapolation from the centre: compare `tail_dependence`, which looks at the tail alone.

    Args:
        x: the first series; any increasing map of it gives the same.
        y: the second, on the same times.

    Returns:
        The fit. NaN with TOO_SHORT below 50 steps, CONSTANT or NON_FINITE; degrees of freedom and tail dependence are
        NOT_CONVERGED at the lower bound nu = 1, degrees of freedom also at the upper one, nu = 200: that is a Gaussian
        copula, whose tail dependence is 0 but for rounding. Their error is infinite where no left-out fit leaves a
        bound.

    Raises:
        ValueError: if the series differ in length.

    References:
        McNeil, Frey and Embrechts (2015), Quantitative Risk Management, section 7.5.1 and example 7.56; Genest, Ghoudi
        and Rivest (1995), Biometrika 82(3), 543-552.
    """
    x, y = jnp.asarray(x, float), jnp.asarray(y, float)
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same length, were {x.size} and {y.size}.")
    outcome = check_pair(x, y)
    if x.size < _SHORTEST:
        return StudentCopula(*(3 * [no_estimate(outcome)]))
    fits = leave_outs(finite(x), finite(y))
    at_bound = unless(outcome, fits[0, 1] <= _LOWEST, Outcome.NOT_CONVERGED)
    either = unless(at_bound, fits[0, 1] >= 0.999 * _HIGHEST, Outcome.NOT_CONVERGED)
    values = [
        estimate(fits[0, i], jackknife_error(fits[1:, i]), code) for i, code in enumerate((outcome, either, at_bound))
    ]
    # Left-out fits that all stand at a bound do not vary, but that is not knowledge.
    degrees = values[1]
    error = jnp.where(degrees.standard_error > 0.0, degrees.standard_error, jnp.inf)
    error = jnp.where(jnp.isnan(degrees.standard_error), jnp.nan, error)
    return StudentCopula(values[0], degrees._replace(standard_error=error), values[2])


def tail_dependence_student(x: Float[Array, " steps"], y: Float[Array, " steps"]) -> Estimate:
    """Estimate the coefficient of tail dependence by a Student-t copula: `student_copula`, its last part."""
    return student_copula(x, y).tail_dependence
