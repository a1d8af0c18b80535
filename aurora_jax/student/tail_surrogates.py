"""Differentiable stand-ins for the invariants, by which a student's paths are pulled towards its teacher's."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

_TAIL_SHARE = 0.05
_LEAST_TAIL = 8
_SOFTNESS = 0.1  # width of an exceedance's step, in deviations of the asset
_RUN_BARS = 4
_COARSE_BARS = 4
_SMALL = 1e-6


class Surrogates(NamedTuple):
    r"""Stand-ins for H, tail index, extremal index and tail dependence.

    With x the returns in the asset's typical deviations, $S_m$ sums of m bars, $u$ the 95 % quantile of a fall, held in
    the gradient, and $e = \sigma((-x - u) / 0.1)$ a soft exceedance:

    $$\tilde H = \frac{\log E|S_4| - \log E|S_1|}{\log 4}, \quad
      \tilde\xi = \frac1k \sum_{i \le k} \log \frac{-x_{(i)}}{-x_{(k+1)}}, \quad
      \tilde\theta = \frac{\sum_t e_t \prod_{j \le 4} (1 - e_{t+j})}{\sum_t e_t}, \quad
      \tilde\lambda = \frac{\sum_{i \ne j} E[e_i e_j]}{(A - 1) \sum_i E[e_i]}$$

    They are not the estimators of `aurora_jax.invariants`, which count and cannot be differentiated; a test checks that
    they put models in the same order. Of one asset the last is 0.

    References:
        Hill (1975), Annals of Statistics 3(5) (xi); Smith and Weissman (1994), J. R. Stat. Soc. B 56(3) (runs).
    """

    hurst: Float[Array, ""]
    tail_index: Float[Array, ""]
    extremal_index: Float[Array, ""]
    tail_dependence: Float[Array, ""]


class SurrogateEstimates(NamedTuple):
    """Means over groups of independent paths, and their standard errors."""

    values: Surrogates
    standard_errors: Surrogates


def surrogates(returns: Float[Array, "paths bars assets"]) -> Surrogates:
    """Return the stand-ins of a sample of paths, in deviations of each asset.

    Raises:
        ValueError: if the paths hold less than 8 returns in the tail, or are shorter than 8 bars.
    """
    paths, bars, assets = returns.shape
    count = int(_TAIL_SHARE * paths * bars * assets)
    if count < _LEAST_TAIL or bars < 2 * _COARSE_BARS:
        raise ValueError(
            f"{paths} paths of {bars} bars and {assets} assets are too few: {_LEAST_TAIL} returns in the tail, "
            f"{round(_LEAST_TAIL / _TAIL_SHARE)} in all, are needed, and {2 * _COARSE_BARS} bars."
        )
    whole = bars - bars % _COARSE_BARS
    coarse = jnp.sum(returns[:, :whole].reshape(paths, -1, _COARSE_BARS, assets), axis=2)
    growth = jnp.log(jnp.mean(jnp.abs(coarse)) + _SMALL) - jnp.log(jnp.mean(jnp.abs(returns)) + _SMALL)
    top, _ = lax.top_k(-returns.reshape(-1), count + 1)
    top = jnp.maximum(top, _SMALL)
    level = lax.stop_gradient(jnp.quantile(-returns, 1.0 - _TAIL_SHARE, axis=(0, 1), keepdims=True))
    beyond = jax.nn.sigmoid((-returns - level) / _SOFTNESS)
    return Surrogates(
        growth / jnp.log(jnp.asarray(_COARSE_BARS, returns.dtype)),
        jnp.mean(jnp.log(top[:-1])) - jnp.log(top[-1]),
        _ends_of_runs(beyond),
        _together(beyond),
    )


def surrogate_estimates(returns: Float[Array, "paths bars assets"], *, groups: int = 4) -> SurrogateEstimates:
    """Return mean and standard error over `groups` groups of paths; paths that fill no group are left out.

    Raises:
        ValueError: if there are fewer than two groups, or a group is too small.
    """
    each = returns.shape[0] // groups if groups > 0 else 0
    if groups < 2 or each < 1:
        raise ValueError(f"groups must lie in [2, {returns.shape[0]}], the paths, was {groups}.")
    found = jax.vmap(surrogates)(returns[: groups * each].reshape(groups, each, *returns.shape[1:]))
    error = (jnp.std(leaf, ddof=1) / jnp.sqrt(jnp.asarray(groups, leaf.dtype)) for leaf in found)
    return SurrogateEstimates(Surrogates(*(jnp.mean(leaf) for leaf in found)), Surrogates(*error))


def surrogate_distance(student: SurrogateEstimates, teacher: SurrogateEstimates) -> Float[Array, ""]:
    r"""Return $\sum_u \rho\bigl((u^S - u^T) / \mathrm{se}_u\bigr)$ with Huber's $\rho$ and the errors held.

    A difference within its error costs half its square, one beyond grows with its size: no invariant takes over.
    """
    total = jnp.zeros((), student.values.hurst.dtype)
    parts = zip(student.values, teacher.values, student.standard_errors, teacher.standard_errors, strict=True)
    for ours, theirs, our_error, their_error in parts:
        error = lax.stop_gradient(jnp.sqrt(our_error**2 + their_error**2) + 1e-3)
        away = jnp.abs(ours - lax.stop_gradient(theirs)) / error
        total = total + jnp.where(away < 1.0, 0.5 * away**2, away - 0.5)
    return total


def _ends_of_runs(beyond: Float[Array, "paths bars assets"]) -> Float[Array, ""]:
    bars = beyond.shape[1] - _RUN_BARS
    quiet = jnp.ones_like(beyond[:, :bars])
    for lag in range(1, _RUN_BARS + 1):
        quiet = quiet * (1.0 - beyond[:, lag : lag + bars])
    now = beyond[:, :bars]
    return jnp.sum(now * quiet) / (jnp.sum(now) + _SMALL)


def _together(beyond: Float[Array, "paths bars assets"]) -> Float[Array, ""]:
    assets = beyond.shape[2]
    if assets == 1:
        return jnp.zeros((), beyond.dtype)
    flat = beyond.reshape(-1, assets)
    square = jnp.sum(jnp.sum(flat, axis=1) ** 2) - jnp.sum(flat**2)
    return square / ((assets - 1) * (jnp.sum(flat) + _SMALL))
