"""What the comparison of conformal methods measures, counts and is fed."""

import math

import numpy as np
import pytest

from aurora_jax.certification import AdaptiveMiscoverage
from aurora_jax.core import root_key
from aurora_jax.study import (
    IntervalMeasures,
    bounds_of,
    conformal_targets,
    contestants,
    coverage_tolerance,
    interval_measures,
    relative_scores,
    rolling_mean,
    scored_returns,
    simulated_shift,
)


def test_measures_by_hand():
    # Widths 2 q s: 4, 8, infinite, empty, 2; errors s e: 1, 6, 5, 1, 1
    scores, scales = np.array([0.5, 3.0, 5.0, 1.0, 1.0]), np.array([2.0, 2.0, 1.0, 1.0, 1.0])
    bounds = np.array([1.0, 2.0, np.inf, -np.inf, 1.0])
    found = interval_measures(scores, scales, bounds, miscoverage=0.5, burn_in_bars=0, rolling_bars=2)
    # Scores: 4; 8 + 4 * 2; at the widest so far, 8, + 4 * 1; 4 * 1; 2
    assert found.interval_score == pytest.approx((4 + 16 + 12 + 4 + 2) / 5)
    assert (found.coverage, found.infinite_share, found.median_width) == (0.6, 0.2, 4.0)
    # Covered 1 0 1 0 1: half of any two
    assert (found.worst_rolling_coverage, found.bars) == (0.5, 5)


def test_the_burn_in_is_not_judged_but_sets_the_widest():
    ones = np.ones(4)
    bounds = np.array([7.0, np.inf, 2.0, 2.0])
    found = interval_measures(ones, ones, bounds, miscoverage=0.1, burn_in_bars=1, rolling_bars=3)
    assert found.interval_score == pytest.approx((14 + 4 + 4) / 3)
    with pytest.raises(ValueError, match="3 judged bars"):
        interval_measures(ones, ones, bounds, miscoverage=0.1, burn_in_bars=1)


def test_the_score_is_the_pinball_loss_but_for_a_term_of_the_target():
    """2 / alpha (pinball at 1 - alpha + alpha |e|): why experts are weighted by the pinball loss."""
    generator = np.random.default_rng(0)
    errors, half = np.abs(generator.normal(size=700)), generator.uniform(0.5, 3.0, size=700)
    found = interval_measures(errors, np.ones(700), half, miscoverage=0.1, burn_in_bars=0)
    pinball = np.maximum(0.9 * (errors - half), 0.1 * (half - errors))
    assert found.interval_score == pytest.approx(np.mean(20.0 * (pinball + 0.1 * errors)))


def test_the_true_quantile_has_the_least_score():
    errors = np.abs(np.random.default_rng(1).normal(size=20_000))
    scores = {
        bound: interval_measures(
            errors, np.ones(20_000), np.full(20_000, bound), miscoverage=0.1, burn_in_bars=0
        ).interval_score
        for bound in (1.45, 1.6449, 1.85)
    }
    assert min(scores, key=scores.__getitem__) == 1.6449
    # Closed form at the true one: 2 / alpha E(|e|; |e| > q) = 4 phi(q) / alpha
    assert scores[1.6449] == pytest.approx(4.0 * math.exp(-(1.6449**2) / 2) / math.sqrt(2 * math.pi) / 0.1, rel=0.02)


def test_rolling_mean_by_hand():
    np.testing.assert_allclose(rolling_mean(np.array([1.0, 0.0, 1.0, 1.0]), 2), [0.5, 0.5, 1.0])


def test_returns_are_scored_without_a_look_ahead():
    returns = np.random.default_rng(2).normal(size=300)
    returns[60:200] = 0.0  # until the variance rests on its floor
    whole = scored_returns("x", "g", returns, start_bars=50)
    changed = returns.copy()
    changed[200:] *= 7.0
    other = scored_returns("x", "g", changed, start_bars=50)
    # The scale of bar 200 knows nothing of it; the next one does.
    np.testing.assert_array_equal(whole.scales[: 200 - 50 + 1], other.scales[: 200 - 50 + 1])
    assert other.scales[151] > whole.scales[151]
    assert whole.scales[150] ** 2 == pytest.approx(0.01 * np.mean(returns[:200] ** 2))
    # First by hand: mean square of the start; then .94 of it and .06 of the next square.
    start = np.mean(returns[:50] ** 2)
    np.testing.assert_allclose(whole.scales[:2] ** 2, [start, 0.94 * start + 0.06 * returns[50] ** 2])
    np.testing.assert_allclose(whole.scores * whole.scales, np.abs(returns[50:]))


def test_a_market_that_has_not_moved_is_not_scored():
    returns = np.concatenate([np.zeros(300), np.random.default_rng(2).normal(size=100)])
    found = scored_returns("x", "g", returns, start_bars=50)
    assert len(found.scores) == 50
    assert found.scores.max() < 20.0
    with pytest.raises(ValueError, match="x: 10 returns"):
        scored_returns("x", "g", returns[:310], start_bars=50)


def test_the_simulated_shift_is_one():
    found = simulated_shift("s", root_key(0))
    early, late = found.scores[:2500], found.scores[2500:]
    # Deviation of x_t - .5 x_{t-1}: sqrt(1 + .1**2 / (1 - .36)) = 1.008 and 2.5 sqrt(1 + .8**2 / .91) = 3.26
    assert np.median(late) / np.median(early) == pytest.approx(3.26 / 1.008, rel=0.08)
    assert found.scores.max() > 12.0  # outliers
    assert not np.array_equal(found.scores, simulated_shift("s", root_key(1)).scores)


def test_series_beside_each_other_are_series_alone():
    scores = np.random.default_rng(4).exponential(size=(130, 2))
    method = AdaptiveMiscoverage(window_bars=60)
    both = bounds_of(method, scores)
    np.testing.assert_array_equal(both[:, 1], bounds_of(method, scores[:, 1]))
    assert both.shape == (130, 2)


def test_the_methods_share_one_alpha():
    for method in contestants(0.2).values():
        inner = method.mixture if hasattr(method, "mixture") else method
        assert inner.miscoverage == 0.2


def measures(coverage, score, worst, bars=2000):
    return IntervalMeasures(bars, coverage, 1.0, 0.0, worst, score)


def test_targets_are_counted_by_hand():
    found = {
        "a": {"AURORA": measures(0.91, 1.02, 0.89), "ACI": measures(0.9, 1.0, 0.89), "fixed": measures(0.9, 0.9, 0.99)},
        "b": {"AURORA": measures(0.93, 1.03, 0.88), "ACI": measures(0.9, 1.0, 0.89), "fixed": measures(0.9, 2.0, 0.99)},
    }
    # a: coverage, score beside ACI (not beside the fixed rule, .9) and worst window; b: nothing
    assert conformal_targets(found, miscoverage=0.1, rivals=("ACI",)) == (2, 1, 1, 0, 1)
    assert relative_scores(found)["a"] == pytest.approx({"AURORA": 1.02 / 0.9, "ACI": 1.0 / 0.9, "fixed": 1.0})


@pytest.mark.parametrize(("bars", "tolerance"), [(500, 0.02), (2000, 0.02), (10_000, 0.01), (50_000, 0.01)])
def test_tolerance_of_coverage(bars, tolerance):
    assert coverage_tolerance(bars) == pytest.approx(tolerance)
    assert 0.01 < coverage_tolerance(5000) < 0.02
