"""The simpler markets: recursions by hand, laws by moments."""

import jax
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.study import GarchCopula, HeldOut, fit_garch_copula, fit_gaussian, held_out_windows
from aurora_jax.study.garch_copula import filtered_variance
from tests.statistics import assert_mean

_PARAMETERS = np.array([[0.1, 0.05, 0.10, 0.80, 6.0], [-0.2, 0.20, 0.20, 0.60, 8.0]])


def _history(bars=40, assets=2, first=20, window=5):
    rng = np.random.default_rng(0)
    return held_out_windows(0.01 * rng.standard_normal((bars, assets)), first=first, bars=window)


def test_windows_are_cut_one_after_another():
    held = _history(bars=33, first=20)
    np.testing.assert_array_equal(held.starts, [20, 25])
    np.testing.assert_array_equal(held.windows[1], held.returns[25:30])
    with pytest.raises(ValueError, match="13 held-out bars hold 1 windows of 12"):
        held_out_windows(held.returns, first=20, bars=12)


def test_the_variance_recursion_by_hand():
    """h_1 is the mean square; h_2 = .05 + .1 (x_1 - mu)^2 + .8 h_1."""
    returns = np.array([[1.1, 0.8], [0.1, -0.2]])
    found = filtered_variance(_PARAMETERS, returns)
    first = np.array([(1.0 + 0.0) / 2, (1.0 + 0.0) / 2])
    second = np.array([0.05, 0.2]) + np.array([0.1, 0.2]) * 1.0 + np.array([0.8, 0.6]) * first
    third = np.array([0.05, 0.2]) + np.array([0.8, 0.6]) * second
    np.testing.assert_allclose(found, [first, second, third], rtol=1e-12)


@pytest.mark.stat
def test_the_first_bar_has_the_filtered_variance_and_the_copula(key):
    """Given h the first simulated bar has mean mu, variance h, and the copula's rank correlation."""
    model = GarchCopula(_PARAMETERS, np.array([[1.0, 0.6], [0.6, 1.0]]), 5.0)
    held = _history()
    held = HeldOut(50.0 * held.returns, held.first, held.starts, held.bars)
    paths = model.simulate(key, held, copies=4000)
    assert paths.shape == (4, 4000, 5, 2)
    variance = filtered_variance(_PARAMETERS, held.returns)[held.starts[1]]
    assert_mean(paths[1, :, 0], _PARAMETERS[:, 0])
    assert_mean((paths[1, :, 0] - _PARAMETERS[:, 0]) ** 2, variance)
    tau = stats.kendalltau(*paths[1, :, 0].T).statistic
    assert abs(tau - 2.0 / np.pi * np.arcsin(0.6)) < 0.04
    standard = (paths[1, :, 0, 0] - 0.1) / np.sqrt(variance[0])
    assert stats.kstest(standard * np.sqrt(6.0 / 4.0), stats.t(6.0).cdf).pvalue > 1e-3


@pytest.mark.stat
def test_the_gaussian_market_has_the_moments_it_was_fitted_to(key):
    rng = np.random.default_rng(1)
    returns = rng.standard_normal((500, 2)) @ np.array([[0.01, 0.004], [0.0, 0.02]]) + 0.001
    model = fit_gaussian(returns)
    np.testing.assert_allclose(model.factor @ model.factor.T, np.cov(returns.T, bias=True), rtol=1e-12)
    paths = model.simulate(key, _history(), copies=3000).reshape(-1, 2)
    assert_mean(paths, returns.mean(axis=0))
    assert_mean(paths[:, 0] * paths[:, 1], np.mean(returns[:, 0] * returns[:, 1]), bias=1e-6)
    alone = fit_gaussian(returns[:, :1])
    assert alone.factor.shape == (1, 1)


@pytest.mark.slow
def test_fitting_finds_a_garch_copula_again():
    """Fit on what the model itself simulated: within broad bounds that wrong margins or copulas would leave."""
    truth = GarchCopula(
        np.array([[0.0, 0.05, 0.08, 0.87, 6.0], [0.0, 0.1, 0.12, 0.8, 8.0]]), np.array([[1.0, 0.5], [0.5, 1.0]]), 6.0
    )
    start = HeldOut(np.ones((2, 2)), 1, np.array([1]), 6000)
    returns = truth.simulate(stream(jax.random.key(2), "fit"), start, copies=1)[0, 0]
    found = fit_garch_copula(returns)
    np.testing.assert_allclose(found.parameters[:, 3], [0.87, 0.8], atol=0.08)
    np.testing.assert_allclose(found.parameters[:, 4], [6.0, 8.0], rtol=0.3)
    assert abs(found.correlation[0, 1] - 0.5) < 0.05
    assert 4.0 < found.degrees_of_freedom < 10.0
