"""The cross-sectional reading: unbiased, with the error variance it states."""

import jax
import numpy as np
from scipy.special import polygamma

from aurora_jax.teacher import cross_sectional_log_volatility
from tests.statistics import assert_mean

_measure = jax.jit(cross_sectional_log_volatility)


def test_readings_of_chi_square_bars_are_unbiased():
    """Six independent assets; bars alternate between log-volatility +0.5 and -0.5 plus the common level."""
    rng = np.random.default_rng(1)
    truth = np.tile([0.5, -0.5], 3000)
    returns = np.exp(truth)[:, None] * rng.standard_normal((6000, 6)) * np.array([1, 2, 3, 1, 2, 3]) * 0.01
    measure = _measure(returns)
    level = -0.5 * np.log(np.mean(np.exp(2.0 * truth)))  # every asset is scaled to unit variance
    error = np.asarray(measure.log_volatility)[:, 0] - truth - level
    # The effective size is estimated: 6 / (1 + 5 * 2.3 / 6000) at worst, and the scale of each asset within 2 %.
    assert_mean(error, 0.0, bias=2e-3)
    assert_mean((error - error.mean()) ** 2, 0.25 * polygamma(1, 3.0), bias=2e-3)
    np.testing.assert_allclose(measure.error_variance, 0.25 * polygamma(1, 3.0), rtol=5e-3)


def test_later_returns_are_read_in_the_units_of_earlier_ones():
    """Half as volatile: log 2 lower on every bar; and reading the same returns again changes nothing."""
    returns = 0.01 * np.random.default_rng(5).standard_normal((400, 6)) + 3e-4
    earlier = _measure(returns)
    calm = _measure(0.5 * (returns - returns.mean(axis=0)) + returns.mean(axis=0), earlier.cross_section)
    np.testing.assert_allclose(calm.log_volatility, earlier.log_volatility - np.log(2.0), atol=1e-9)
    np.testing.assert_array_equal(calm.error_variance, earlier.error_variance)
    again = _measure(returns, earlier.cross_section)
    np.testing.assert_allclose(again.log_volatility, earlier.log_volatility, rtol=1e-12)


def test_one_common_asset_has_one_degree_of_freedom():
    """Copies of one asset hold no more information than the asset: k = 1."""
    one = np.random.default_rng(2).standard_normal((500, 1))
    measure = _measure(np.repeat(one, 4, axis=1))
    np.testing.assert_allclose(measure.error_variance, 0.25 * polygamma(1, 0.5), rtol=1e-6)


def test_a_bar_without_moves_reads_a_finite_value():
    returns = np.random.default_rng(3).standard_normal((500, 6))
    returns = np.concatenate([returns - returns.mean(axis=0), np.zeros((1, 6))])
    reading = np.asarray(_measure(returns).log_volatility)[:, 0]
    assert np.all(np.isfinite(reading))
    assert reading[-1] < np.min(reading[:-1])
