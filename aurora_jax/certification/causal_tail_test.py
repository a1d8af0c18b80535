"""Is a series extreme more often after another was, given its own past and what all share? A likelihood-ratio test."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import log_ndtr, xlogy
from jaxtyping import Array, Float

_NEWTON_STEPS = 12
_STEP_SHARES = (1.0, 0.5, 0.2, 0.05)
_PRIOR_PRECISION = 1.0  # on standardised columns: keeps a column that separates from running away
_RIDGE = 1e-3  # of 200 rare events: keeps a column without any from dividing by 0


class NullFit(NamedTuple):
    """Logistic regression of a target's extremes on its own past and on what all series share.

    Attributes:
        residual: extreme or not, less its probability.
        weight: variance of that, p (1 - p).
        gradient: largest slope of the penalised likelihood left, 0 where it was maximised.
    """

    residual: Float[Array, " rows"]
    weight: Float[Array, " rows"]
    gradient: Float[Array, ""]


def fit_null(extreme: Float[Array, " rows"], columns: Float[Array, "rows columns"]) -> NullFit:
    """Maximise the likelihood by Newton's method, each step shortened until the likelihood rises.

    Args:
        extreme: 1 where the target is extreme.
        columns: the first is 1 everywhere and not penalised.
    """
    precision = jnp.full(columns.shape[1], _PRIOR_PRECISION, columns.dtype).at[0].set(1e-6)

    def objective(coefficients):
        logit = columns @ coefficients
        return jnp.sum(extreme * logit - jax.nn.softplus(logit)) - 0.5 * jnp.sum(precision * coefficients**2)

    def improve(_, coefficients):
        probability = jax.nn.sigmoid(columns @ coefficients)
        weight = probability * (1.0 - probability)
        slope = columns.T @ (extreme - probability) - precision * coefficients
        step = jnp.linalg.solve((columns * weight[:, None]).T @ columns + jnp.diag(precision), slope)
        tried = coefficients[None] + jnp.asarray(_STEP_SHARES, columns.dtype)[:, None] * step[None]
        return tried[jnp.argmax(jax.vmap(objective)(tried))]

    share = jnp.clip(jnp.mean(extreme), 1e-6, 1.0 - 1e-6)
    start = jnp.zeros(columns.shape[1], columns.dtype).at[0].set(jnp.log(share / (1.0 - share)))
    coefficients = lax.fori_loop(0, _NEWTON_STEPS, improve, start)
    probability = jax.nn.sigmoid(columns @ coefficients)
    residual = extreme - probability
    gradient = jnp.max(jnp.abs(columns.T @ residual - precision * coefficients))
    return NullFit(residual, probability * (1.0 - probability), gradient)


def without(
    columns: Float[Array, "rows columns"], nuisance: Float[Array, "rows nuisances"], weight: Float[Array, " rows"]
) -> Float[Array, "rows columns"]:
    """Return what weighted least squares on `nuisance` leaves of `columns`: their efficient scores."""
    weighted = (nuisance * weight[:, None]).T
    return columns - nuisance @ _solve(weighted @ nuisance, weighted @ columns)


def design_effect(contributions: Float[Array, "rows lags"], *, block_bars: int) -> Float[Array, " lags"]:
    r"""Return the variance of sums over blocks of time over that of independent bars, at least 1.

    $$\delta = \max\Bigl(1, \frac{\sum_b (\sum_{t \in b} g_t)^2}{\sum_t g_t^2}\Bigr)$$

    The numerator is the variance of $\sum_t g_t$ under the block bootstrap that multiplies each block by an independent
    variable of mean 0 and variance 1, in closed form: no draws, which would have to be millions to resolve the
    p-values that many tests need.

    References:
        Shao (2010), Journal of the American Statistical Association 105(489), 218-235, section 2.
    """
    rows = contributions.shape[0] // block_bars * block_bars
    kept = contributions[:rows]
    blocks = jnp.sum(kept.reshape(-1, block_bars, kept.shape[1]), axis=1)
    independent = jnp.sum(kept**2, axis=0)
    return jnp.maximum(1.0, jnp.sum(blocks**2, axis=0) / jnp.where(independent > 0.0, independent, 1.0))


def signed_root(
    observed: Float[Array, " lags"], expected: Float[Array, " lags"], trials: Float[Array, " lags"]
) -> Float[Array, " lags"]:
    r"""Return the signed root of the likelihood ratio of a 2 x 2 table.

    $$D = 2 \Bigl(O \log\frac{O}{A} + (K - O) \log\frac{K - O}{K - A}\Bigr)$$

    Positive where more was observed than expected.
    """
    hits = xlogy(observed, observed / expected)
    misses = xlogy(trials - observed, (trials - observed) / (trials - expected))
    return jnp.sign(observed - expected) * jnp.sqrt(2.0 * jnp.maximum(hits + misses, 0.0))


def conditional_test(
    fit: NullFit,
    extreme: Float[Array, " rows"],
    source: Float[Array, "rows lags"],
    scores: Float[Array, "rows lags"],
    nuisance: Float[Array, "rows nuisances"],
    *,
    block_bars: int,
) -> Float[Array, " lags"]:
    r"""Return how much oftener than expected the target is extreme after the source was, in standard deviations.

    One step from the null, as Neyman's C(alpha) test: the nuisance moves the probability of an extreme by
    $w_t N_t^\top b$, the source's column is cleared of it, and of the target's extremes $O$ after one of the source
    $A = O - U$ were expected, U the score that is left. The likelihood ratio of O against A is then divided by its
    design effect (Rao and Scott): the variance of U, blocks of time kept whole, over that of the plain 2 x 2 table.

    Args:
        fit: of the target under the null.
        extreme: 1 where the target is.
        source: 1 where the source was extreme that many bars ago.
        scores: `source` without what the fit's columns explain.
        nuisance: whatever else the test is conditional on, without what the fit's columns explain.
        block_bars: bars that stay together.

    References:
        Neyman (1959); Rao and Scott (1984), Annals of Statistics 12(1), 46-60, eq. 2.11.
    """
    weight = fit.weight
    weighted = (nuisance * weight[:, None]).T
    right = jnp.concatenate([weighted @ scores, (nuisance.T @ fit.residual)[:, None]], axis=1)
    explained = _solve(weighted @ nuisance, right)
    efficient = scores - nuisance @ explained[:, :-1]
    residual = fit.residual - weight * (nuisance @ explained[:, -1])
    excess = efficient.T @ residual
    information = jnp.sum(efficient**2 * weight[:, None], axis=0)
    slope = excess / jnp.where(information > 0.0, information, 1.0)
    # Dependence in time is read off what is left once the effect itself is out: a true effect must not hide itself.
    left = residual[:, None] - weight[:, None] * efficient * slope[None]
    effect = design_effect(efficient * left, block_bars=block_bars)
    trials, observed = jnp.sum(source, axis=0), extreme @ source
    expected = jnp.clip(observed - excess, 0.5, jnp.maximum(trials - 0.5, 0.5))
    plain = expected * (1.0 - expected / jnp.maximum(trials, 1.0))
    ratio = effect * information / plain
    found = (trials > 0.0) & (information > 0.0)
    return jnp.where(found, signed_root(observed, expected, trials) / jnp.sqrt(jnp.where(found, ratio, 1.0)), 0.0)


def upper_probability(deviations: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Return the one-sided p-value of that many standard deviations."""
    return jnp.exp(log_ndtr(-deviations))


def _solve(gram: Float[Array, "size size"], right: Float[Array, "size columns"]) -> Float[Array, "size columns"]:
    return jnp.linalg.solve(gram + _RIDGE * jnp.eye(gram.shape[0], dtype=gram.dtype), right)
