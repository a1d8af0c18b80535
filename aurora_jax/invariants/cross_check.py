"""All invariants of a market by every estimator: what `measure` says, and what else is to be said."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Invariants, Outcome, TestResult

from .degenerate import estimate, finite, inspect, no_estimate
from .extremal_blocks import extremal_index_blocks
from .extremal_index import extremal_index_intervals
from .hill_clustered import tail_index_clustered
from .hill_debiased import tail_index_debiased
from .hill_plot import tail_index_plot
from .hurst_truncated import hurst_truncated
from .jackknife import jackknife_error
from .jump_test import jump_test
from .measure import measure
from .p_variation import p_variation_slope
from .run_length import run_lengths
from .student_copula import check_pair, leave_outs
from .tail_dependence import tail_size
from .tail_moment import tail_index_moment
from .variogram import hurst_variogram
from .wavelet import hurst_wavelet


class CrossCheck(NamedTuple):
    """The four invariants and, beside each, its other estimators; all of them `Estimate`s but the jump test.

    Estimators of one invariant that differ by more than their errors say that an assumption fails: jumps or trends for
    H, a tail not yet Pareto for xi, a run length that splits clusters for theta, no Student-t copula for lambda.

    Attributes:
        invariants: what `measure` returns.
        hurst_variogram: by second differences.
        hurst_wavelet: by the Haar log-scale diagram.
        hurst_truncated: by Whittle's likelihood, jumps taken out.
        tail_index_clustered: Hill's estimate again, with an error that knows of clusters.
        tail_index_chosen: Hill's estimate at an automatic threshold; the error includes the bias.
        tail_index_debiased: by regression on log-spacings of a wider tail.
        tail_index_moment: by the moments of log-excesses of the wider tail.
        extremal_index_chosen: K-gaps with an automatic K.
        extremal_index_intervals: by the moments of gaps.
        extremal_index_blocks: by maxima over sliding blocks.
        tail_dependence_student: by a Student-t copula, averaged over pairs.
        jump_test: ratio of bipower to realised variation; NaN if the market is not finite.
        second_variation_slope: 2 H - 1 for rough paths.
        fourth_variation_slope: 4 H - 1 for rough paths, 0 where jumps dominate.
    """

    invariants: Invariants
    hurst_variogram: Estimate
    hurst_wavelet: Estimate
    hurst_truncated: Estimate
    tail_index_clustered: Estimate
    tail_index_chosen: Estimate
    tail_index_debiased: Estimate
    tail_index_moment: Estimate
    extremal_index_chosen: Estimate
    extremal_index_intervals: Estimate
    extremal_index_blocks: Estimate
    tail_dependence_student: Estimate
    jump_test: TestResult
    second_variation_slope: Estimate
    fourth_variation_slope: Estimate


def _mean_student_dependence(losses: Float[Array, "steps assets"]) -> Estimate:
    """Return the Student-t copula's tail dependence averaged over pairs of assets, with a jackknife error."""
    first, second = np.triu_indices(losses.shape[1], 1)
    if first.size == 0:
        return no_estimate(Outcome.TOO_SHORT)
    outcome = jnp.max(jax.vmap(lambda series: check_pair(series, series), in_axes=1)(losses))
    if losses.shape[0] < 50:
        return no_estimate(outcome)
    series = finite(losses).T
    fits = lax.map(lambda pair: leave_outs(series[pair[0]], series[pair[1]]), (jnp.asarray(first), jnp.asarray(second)))
    mean = jnp.mean(fits[:, :, 2], axis=0)
    return estimate(mean[0], jackknife_error(mean[1:]), outcome)


def _market_jumps(market: Float[Array, " steps"]) -> TestResult:
    if market.size < 3:
        return TestResult(jnp.asarray(jnp.nan, float), jnp.asarray(jnp.nan, float))
    usable = inspect(market, minimum=3) != Outcome.NON_FINITE
    return TestResult(*(jnp.where(usable, part, jnp.nan) for part in jump_test(finite(market))))


def cross_check(
    returns: Float[Array, "steps assets"],
    *,
    tail_share: float = 0.025,
    wide_tail_share: float = 0.1,
    extreme_quantile: float = 0.95,
    run_length: int = 1,
    longest_run_length: int = 6,
) -> CrossCheck:
    """Measure the invariants of a market by every estimator there is, each with its standard error.

    The series are those of `measure`: the equal-weight mean of the assets for all but tail dependence, their losses for
    tails and clusters. Blocks are as long as the square root of the number of steps. About five times the work of
    `measure` for two assets; the copulas take n^2 a pair.

    Args:
        returns: log returns; a loss is a negative one.
        tail_share: as in `measure`.
        wide_tail_share: of the steps that the estimators without Hill's bias look at, and the longest tail of the
            automatic threshold; larger than `tail_share`, below 1.
        extreme_quantile: as in `measure`.
        run_length: as in `measure`.
        longest_run_length: the largest K tried for the automatic one.

    Raises:
        ValueError: if `returns` is empty or a setting is out of range.

    References:
        Those of the estimators.
    """
    if not tail_share < wide_tail_share < 1.0:
        raise ValueError(f"wide_tail_share must lie in (tail_share, 1) = ({tail_share}, 1), was {wide_tail_share}.")
    invariants = measure(returns, tail_share=tail_share, extreme_quantile=extreme_quantile, run_length=run_length)
    returns = jnp.asarray(returns, float)
    steps = returns.shape[0]
    market = jnp.mean(returns, axis=1)
    tail_count = max(10, tail_size(steps, 1.0 - tail_share))
    wide_count = max(20, tail_size(steps, 1.0 - wide_tail_share))
    threshold = lax.top_k(-finite(market), tail_size(steps, extreme_quantile) + 1)[0][-1]
    return CrossCheck(
        invariants=invariants,
        hurst_variogram=hurst_variogram(market),
        hurst_wavelet=hurst_wavelet(market),
        hurst_truncated=hurst_truncated(market),
        tail_index_clustered=tail_index_clustered(-market, tail_count=tail_count),
        tail_index_chosen=tail_index_plot(-market, longest_tail=wide_count).best,
        tail_index_debiased=tail_index_debiased(-market, tail_count=wide_count),
        tail_index_moment=tail_index_moment(-market, tail_count=wide_count),
        extremal_index_chosen=run_lengths(-market, threshold=threshold, longest=longest_run_length).best,
        extremal_index_intervals=extremal_index_intervals(-market, threshold=threshold),
        extremal_index_blocks=extremal_index_blocks(-market, block_steps=max(2, round(steps**0.5))),
        tail_dependence_student=_mean_student_dependence(-returns),
        jump_test=_market_jumps(market),
        second_variation_slope=p_variation_slope(market, power=2.0),
        fourth_variation_slope=p_variation_slope(market, power=4.0),
    )
