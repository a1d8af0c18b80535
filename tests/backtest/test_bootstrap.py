"""Confidence intervals by the stationary bootstrap."""

import numpy as np
import pytest

from aurora_jax.backtest import bootstrap_interval, expected_shortfall_interval, performance, sharpe_interval, tail_risk
from aurora_jax.core import Outcome


@pytest.fixture(scope="module")
def returns():
    return 0.0005 + 0.01 * np.random.default_rng(11).standard_normal(600)


def test_same_seed_same_interval(returns):
    first = sharpe_interval(returns, seed=5, resamples=199)
    assert sharpe_interval(returns, seed=5, resamples=199) == first
    assert sharpe_interval(returns, seed=6, resamples=199)[1:3] != first[1:3]
    assert first.value == pytest.approx(performance(returns).sharpe, rel=1e-12)


def test_width_is_that_of_lo(returns):
    # Lo (2002): independent returns have a standard error of sqrt((1 + SR^2 / 2) / n) per bar, +-1.96 of them here.
    # Tolerance: 999 draws know a 2.5 % quantile to about 6 %, and the percentile interval's own bias at n = 600.
    found = sharpe_interval(returns, seed=0, block_bars=1)
    error = np.sqrt((1.0 + found.value**2 / 252 / 2.0) / 600 * 252)
    assert (found.upper - found.lower) / (2.0 * 1.96 * error) == pytest.approx(1.0, abs=0.12)
    assert found.lower < found.value < found.upper
    assert found.outcome is Outcome.OK


def test_persistent_returns_widen_the_interval():
    # An autoregression with .9 has (1 + .9) / (1 - .9) = 19 times the variance of the mean, 4.4 times the error.
    shocks = np.random.default_rng(2).standard_normal(3000)
    series = np.zeros(3000)
    for bar in range(1, 3000):
        series[bar] = 0.9 * series[bar - 1] + shocks[bar]
    independent = sharpe_interval(series, seed=0, resamples=299, block_bars=1)
    blocks = sharpe_interval(series, seed=0, resamples=299)
    assert 3.0 < (blocks.upper - blocks.lower) / (independent.upper - independent.lower) < 5.5


def test_paired_series_keep_their_dependence(returns):
    difference = bootstrap_interval(lambda a, b: float(np.mean(a - b)), returns, returns, seed=1, resamples=99)
    assert difference[:3] == (0.0, 0.0, 0.0)
    shifted = bootstrap_interval(lambda a, b: float(np.mean(a - b)), returns + 0.01, returns, seed=1, resamples=99)
    np.testing.assert_allclose(shifted[:3], 0.01, rtol=1e-9)


def test_expected_shortfall_lies_in_its_interval(returns):
    found = expected_shortfall_interval(returns, seed=3, resamples=199)
    assert found.value == tail_risk(returns).expected_shortfall
    # Normal losses: 2.0627 deviations less the mean.
    assert found.lower < 0.01 * 2.0627 - 0.0005 < found.upper


@pytest.mark.parametrize(
    ("series", "outcome"), [(np.zeros(50), Outcome.CONSTANT), (np.array([0.1, -0.1, 0.2]), Outcome.TOO_SHORT)]
)
def test_what_cannot_be_had_says_why(series, outcome):
    found = sharpe_interval(series, seed=0)
    assert found.outcome is outcome
    assert found.value == found.lower == found.upper


@pytest.mark.parametrize(
    ("kwargs", "message"), [({"level": 1.0}, "was 1.0"), ({"resamples": 9}, "was 9"), ({"block_bars": 0}, "was 0")]
)
def test_refuses(returns, kwargs, message):
    with pytest.raises(ValueError, match=message):
        sharpe_interval(returns, seed=0, **kwargs)
    with pytest.raises(ValueError, match="same bars"):
        bootstrap_interval(lambda a, b: 0.0, returns, returns[1:], seed=0)
