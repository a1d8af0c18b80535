"""Every estimator at once: the parts it is made of, one market in a batch spoiled, refusals."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.invariants import (
    cross_check,
    extremal_index_blocks,
    extremal_index_intervals,
    hurst_truncated,
    hurst_variogram,
    hurst_wavelet,
    jump_test,
    measure,
    p_variation_slope,
    run_lengths,
    student_copula,
    tail_index_clustered,
    tail_index_debiased,
    tail_index_moment,
    tail_index_plot,
)
from aurora_jax.invariants.cross_check import CrossCheck

STEPS, ASSETS, PATHS = 500, 3, 8
check_batch = jax.jit(jax.vmap(cross_check))


@pytest.fixture(scope="module")
def markets():
    """Student-t_4 returns with one shared mixing variable a time and correlation 1/2."""
    random = np.random.default_rng(8)
    common, own = random.standard_normal((PATHS, STEPS, 1)), random.standard_normal((PATHS, STEPS, ASSETS))
    mixing = random.chisquare(4, (PATHS, STEPS, 1)) / 4
    return 0.01 * (np.sqrt(0.5) * common + np.sqrt(0.5) * own) / np.sqrt(mixing)


@pytest.mark.slow
def test_the_parts_it_is_made_of(markets):
    batch = check_batch(markets)

    @jax.jit
    def separately(returns):
        market = jnp.mean(returns, axis=1)
        threshold = jnp.sort(-market)[-26]  # 25 of 500 losses lie above
        return dict(
            invariants=measure(returns),
            hurst_variogram=hurst_variogram(market),
            hurst_wavelet=hurst_wavelet(market),
            hurst_truncated=hurst_truncated(market),
            tail_index_clustered=tail_index_clustered(-market, tail_count=12),
            tail_index_chosen=tail_index_plot(-market, longest_tail=50).best,
            tail_index_debiased=tail_index_debiased(-market, tail_count=50),
            tail_index_moment=tail_index_moment(-market, tail_count=50),
            extremal_index_chosen=run_lengths(-market, threshold=threshold, longest=6).best,
            extremal_index_intervals=extremal_index_intervals(-market, threshold=threshold),
            extremal_index_blocks=extremal_index_blocks(-market, block_steps=22),
            jump_test=jump_test(market),
            second_variation_slope=p_variation_slope(market, power=2.0),
            fourth_variation_slope=p_variation_slope(market, power=4.0),
        )

    parts = separately(markets[0])
    assert {*parts, "tail_dependence_student"} == set(CrossCheck._fields)
    for name, part in parts.items():
        whole = jax.tree.map(lambda field: field[0], getattr(batch, name))
        for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(part), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, err_msg=name)
    fit = jax.jit(student_copula)
    pairs = itertools.combinations(range(ASSETS), 2)
    dependence = [fit(-markets[0][:, i], -markets[0][:, j]).tail_dependence.value for i, j in pairs]
    np.testing.assert_allclose(batch.tail_dependence_student.value[0], np.mean(dependence), rtol=1e-7)
    assert 0 < batch.tail_dependence_student.standard_error[0] < 0.2


@pytest.mark.slow
def test_a_bad_market_spoils_no_other(markets):
    spoiled = np.array(markets)
    spoiled[0, 5, 1], spoiled[1] = np.nan, 0.01
    result, clean = check_batch(spoiled), check_batch(markets)
    estimates = [*result.invariants, *(part for part in result if hasattr(part, "outcome"))]
    for estimate in estimates:
        assert estimate.outcome[0] == Outcome.NON_FINITE
        assert estimate.outcome[1] == Outcome.CONSTANT
        assert np.all(np.isnan(estimate.value[:2]))
        assert np.all(np.isfinite(estimate.value[2:]))
        assert np.all(np.isfinite(estimate.standard_error[2:]))
    assert np.isnan(result.jump_test.p_value[0])
    for a, b in zip(jax.tree.leaves(result), jax.tree.leaves(clean), strict=True):
        np.testing.assert_allclose(a[2:], b[2:], rtol=1e-9)


@pytest.mark.slow
def test_a_short_market_says_so():
    result = cross_check(jnp.asarray(np.random.default_rng(0).standard_normal((2, 1))))
    estimates = [*result.invariants, *(part for part in result if hasattr(part, "outcome"))]
    assert all(estimate.outcome == Outcome.TOO_SHORT for estimate in estimates)
    assert np.isnan(result.jump_test.statistic)


def test_settings_are_checked(markets):
    returns = jnp.asarray(markets[0])
    with pytest.raises(ValueError, match=r"wide_tail_share must lie in \(tail_share, 1\) = \(0\.2, 1\), was 0\.1"):
        cross_check(returns, tail_share=0.2)
    with pytest.raises(ValueError, match="must not be empty"):
        cross_check(jnp.zeros((0, 2)))
