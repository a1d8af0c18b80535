"""The range of a bar as a reading of its volatility: its law, by density and by simulation."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from aurora_jax.teacher import range_log_volatility
from aurora_jax.teacher.measure_range import LOG_RANGE_MEAN, LOG_RANGE_VARIANCE


def density_of_range(r, terms=400):
    """Feller's density of the range of Brownian motion on [0, 1]: 8 sum (-1)^(k-1) k^2 phi(k r)."""
    k = np.arange(1, terms)
    return 8.0 * np.sum((-1.0) ** (k - 1) * k**2 * np.exp(-0.5 * (k * r) ** 2)) / np.sqrt(2.0 * np.pi)


def test_moments_of_the_log_range_are_those_of_fellers_density():
    # Below .15 there is less than 1e-90 of the mass, and the alternating series cancels.
    def moment(f):
        return integrate.quad(lambda r: f(np.log(r)) * density_of_range(r), 0.15, 12.0, epsabs=1e-11, limit=200)[0]

    mean = moment(lambda x: x)
    np.testing.assert_allclose(moment(lambda x: 1.0), 1.0, atol=1e-8)
    np.testing.assert_allclose(mean, LOG_RANGE_MEAN, atol=1e-8)
    np.testing.assert_allclose(moment(lambda x: (x - mean) ** 2), LOG_RANGE_VARIANCE, atol=1e-8)
    # Alizadeh, Brandt and Diebold (2002), table I: .43 and .29.
    np.testing.assert_allclose([LOG_RANGE_MEAN, LOG_RANGE_VARIANCE**0.5], [0.43, 0.29], atol=0.005)


def test_a_reading_by_hand():
    # Ranges e^0.01 and e^0.02: sigma^2 = (1e-4 + 4e-4) / 2 / (4 log 2) = 9.0168e-5.
    high, low = jnp.array([100.0 * np.exp(0.01), 50.0]), jnp.array([100.0, 50.0 * np.exp(-0.02)])
    measure, variance = range_log_volatility(high, low)
    np.testing.assert_allclose(variance, 2.5e-4 / (4.0 * np.log(2.0)), rtol=1e-12)
    expected = np.log([0.01, 0.02]) - 0.425676 - 0.5 * np.log(9.016844e-5)
    np.testing.assert_allclose(measure.log_volatility[:, 0], expected, atol=1e-6)
    assert measure.error_variance == LOG_RANGE_VARIANCE


@pytest.mark.stat
@pytest.mark.parametrize("log_volatility", [0.0, 0.7])
def test_readings_of_brownian_bars_are_unbiased_with_the_stated_error(log_volatility):
    bars, steps, sigma = 4000, 1000, 0.01
    rng = np.random.default_rng(5)
    path = np.cumsum(rng.normal(0.0, sigma * np.exp(log_volatility) / np.sqrt(steps), (bars, steps)), axis=1)
    path = np.concatenate([np.zeros((bars, 1)), path], axis=1)
    high, low = np.exp(path.max(axis=1)), np.exp(path.min(axis=1))
    measure, _ = range_log_volatility(jnp.asarray(high), jnp.asarray(low), jnp.asarray(sigma**2))
    error = np.asarray(measure.log_volatility[:, 0]) - log_volatility
    # A grid misses the extremes: the range is short by 2 * .5826 sigma / sqrt(steps) (Broadie, Glasserman, Kou 1997).
    bias = 2.0 * 0.5826 / np.sqrt(steps) * 0.72  # E 1/R = .72 in units of sigma
    assert abs(np.mean(error) + bias) < 4.0 * np.sqrt(LOG_RANGE_VARIANCE / bars) + 0.003
    # The sampling error of a variance, and what the grid adds to the spread of small ranges.
    assert abs(np.var(error) - LOG_RANGE_VARIANCE) < 4.0 * LOG_RANGE_VARIANCE * np.sqrt(2.0 / bars) + 0.004


def test_a_common_factor_of_prices_and_a_unit_of_volatility_change_nothing():
    rng = np.random.default_rng(2)
    low = jnp.asarray(rng.uniform(1.0, 2.0, 50))
    high = low * jnp.exp(jnp.asarray(rng.uniform(0.001, 0.05, 50)))
    first, _ = range_log_volatility(high, low)
    dearer, _ = range_log_volatility(7.0 * high, 7.0 * low)
    wider, _ = range_log_volatility(low * (high / low) ** 3, low)
    np.testing.assert_allclose(dearer.log_volatility, first.log_volatility, atol=1e-10)
    np.testing.assert_allclose(wider.log_volatility, first.log_volatility, atol=1e-10)


def test_a_later_period_is_read_in_the_units_of_the_first():
    low = jnp.ones(20)
    _, variance = range_log_volatility(low * 1.01, low)
    later, same = range_log_volatility(low * 1.01**2, low, variance)
    own, _ = range_log_volatility(low * 1.01**2, low)
    assert same == variance
    np.testing.assert_allclose(later.log_volatility - own.log_volatility, np.log(2.0), rtol=1e-10)


def test_a_bar_without_trade_reads_four_deviations_below_the_past():
    # By hand: the mean of the past moves by a tenth and one of the way to each reading that is kept.
    high = jnp.array([1.01] * 30 + [1.0, 1.0])
    measure, variance = range_log_volatility(high, jnp.ones(32))
    usual = np.log(np.log(1.01)) - LOG_RANGE_MEAN - 0.5 * np.log(float(variance))
    reach = 4.0 * LOG_RANGE_VARIANCE**0.5
    expected = [usual] * 30 + [usual - reach, usual - reach / 11.0 - reach]
    np.testing.assert_allclose(measure.log_volatility[:, 0], expected, rtol=1e-12)


def test_brownian_bars_are_read_as_they_are_also_where_volatility_falls():
    steps, rng = 400, np.random.default_rng(7)
    volatility = 0.01 * np.repeat([1.0, 0.5, 1.0], 1000)
    path = np.cumsum(rng.normal(0.0, 1.0 / np.sqrt(steps), (3000, steps)), axis=1) * volatility[:, None]
    high, low = np.exp(path.max(axis=1)), np.exp(path.min(axis=1))
    measure, variance = range_log_volatility(jnp.asarray(high), jnp.asarray(low))
    plain = np.log(np.log(high / low)) - LOG_RANGE_MEAN - 0.5 * np.log(float(variance))
    raised = np.asarray(measure.log_volatility[:, 0]) - plain
    assert np.sum(raised > 1e-9) <= 1
    assert np.max(raised) < 0.2


@pytest.mark.parametrize(("high", "low"), [(1.0, 1.1), (1.0, 0.0), (jnp.nan, 1.0)])
def test_impossible_ranges_are_refused(high, low):
    with pytest.raises(Exception, match="ranges need 0 < low <= high"):
        range_log_volatility(jnp.array([2.0, high]), jnp.array([1.0, low]))
