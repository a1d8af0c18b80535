import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.training.posterior import PARAMETERS, Observations, Posterior, predictive_check, simulate_observations
from aurora_jax.training.posterior.predictive import STATISTICS, dispersion, reading_change, window_counts

TRUTH = {
    "hurst": 0.15,
    "volatility_of_volatility": 0.3,
    "error_scale": 1.0,
    "jump_intensity": 0.05,
    "branching_ratio": 0.5,
    "decay": 0.2,
    "tail_index": 0.3,
    "tail_scale": 1.0,
}


def known(**changes):
    """A posterior that is sure of its parameters."""
    values = {name: np.full((2, 60), {**TRUTH, **changes}[name]) for name in PARAMETERS}
    return Posterior(values, {}, 0, 1, 1.01)


def seen(event_bars, *, increments=(0.1, -0.2), bars=100):
    events = np.asarray(event_bars, np.int64)
    return Observations(np.asarray(increments, float), 0.08, events, np.ones(events.size), bars)


def test_windows_are_counted_by_hand():
    assert window_counts(seen([0, 49, 50, 120], bars=149)).tolist() == [2, 1]  # the rest is no window
    assert window_counts(seen([3, 9], bars=20)).tolist() == [2]
    assert dispersion(np.array([1, 3])) == pytest.approx(2.0 / 2.0)
    assert dispersion(np.array([0, 0])) == 1.0
    assert dispersion(np.array([4])) == 1.0


def test_growth_by_hand():
    # path 0, 1, 1, 3: over two bars (1, 2), mean square 5/2; over one (1, 0, 2), mean square 5/3
    assert reading_change(seen([], increments=(1.0, 0.0, 2.0)), lag_bars=2) == pytest.approx(1.5)


def test_growth_of_white_steps_is_the_lag():
    steps = np.random.default_rng(2).normal(size=40_000)
    # Standard error of the mean square over 10 bars is about sqrt(2 * (2/3) * 10 / 40,000) = 1.8 %
    assert reading_change(seen([], increments=steps), lag_bars=10) == pytest.approx(10.0, rel=0.08)


@pytest.mark.stat
def test_a_market_of_the_model_passes_and_another_fails(key):
    market = simulate_observations(stream(key, "market"), TRUTH, bars=2000, error_variance=0.08)
    right = predictive_check(stream(key, "check"), known(), market, markets=60).checks
    assert sorted(right) == sorted(STATISTICS)
    assert all(0.01 < one.p_value < 0.99 for one in right.values()), right
    assert all(one.low <= one.middle <= one.high for one in right.values())
    assert right["bars with a jump"].real == market.event_bars.size
    rougher = predictive_check(stream(key, "check"), known(hurst=0.4, jump_intensity=0.15), market, markets=60).checks
    assert rougher["growth over 100 bars"].p_value == 1.0
    assert rougher["bars with a jump"].p_value == 1.0


@pytest.mark.stat
def test_what_the_model_does_not_have_is_seen(key):
    """Readings that jump have a kurtosis that Gaussian ones never reach."""
    market = simulate_observations(stream(key, "market"), TRUTH, bars=2000, error_variance=0.08)
    spiky = market.increments.copy()
    spiky[::200] += 4.0
    check = predictive_check(stream(key, "check"), known(), market._replace(increments=spiky), markets=40).checks
    assert check["kurtosis of the change"].p_value == 0.0
    assert check["kurtosis of the change"].middle == pytest.approx(3.0, abs=0.2)


def test_more_markets_than_draws_are_refused(key):
    with pytest.raises(ValueError, match=r"markets must lie in \[1, 120\].*was 121"):
        predictive_check(key, known(), seen([1, 2]), markets=121)
