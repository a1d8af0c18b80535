from functools import partial

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import stream
from aurora_jax.timeseries import long_run_variance
from tests.statistics import assert_mean

of_many = jax.jit(jax.vmap(partial(long_run_variance, lags=20)))


def test_three_lags_by_hand():
    # Deviations (-2, -1, 0, 3): products 14, 2, -3, -6, each over 4; Bartlett weights 1/2 and 1/2 x 0 are
    # lags = 1: 14 + 2 (1/2) 2 = 16; lags = 2: 14 + 2 (2/3 x 2 + 1/3 x -3) = 44/3; lags = 3: 14 + 3 - 3 - 3 = 11.
    x = np.array([-1.0, 0.0, 1.0, 4.0])
    found = [float(long_run_variance(x, lags=lags)) for lags in range(4)]
    np.testing.assert_allclose(found, [14 / 4, 16 / 4, 44 / 12, 11 / 4], rtol=1e-14)


@pytest.mark.parametrize("lags", [0, 5, 40, None])
def test_statsmodels_agrees_on_a_real_series(sp500_log_range, lags):
    x = sp500_log_range
    rule = int(np.floor(4 * (x.size / 100) ** (2 / 9))) if lags is None else lags
    theirs = sm.OLS(x, np.ones(x.size)).fit(cov_type="HAC", cov_kwds={"maxlags": rule, "use_correction": False})
    np.testing.assert_allclose(long_run_variance(x, lags=lags), x.size * theirs.bse[0] ** 2, rtol=1e-9)


@pytest.mark.parametrize(("bars", "lags"), [(1, 0), (99, 3), (100, 4), (1000, 6), (5000, 9)])
def test_the_rule_by_hand(bars, lags):
    x = np.sin(np.arange(bars) ** 2.0)
    assert long_run_variance(x) == long_run_variance(x, lags=lags)


@pytest.mark.stat
def test_a_moving_average_has_its_spectrum_at_zero(key):
    """x = e + .5 e_-1 has long-run variance 2.25; Bartlett's weight loses 2 gamma_1 / (L + 1), the mean O(L / n)."""
    n, lags = 4000, 20
    shocks = np.asarray(jr.normal(stream(key, "moving average"), (200, n + 1)))
    found = of_many(shocks[:, 1:] + 0.5 * shocks[:, :-1])
    assert_mean(np.asarray(found), 2.25 - 2 * 0.5 / (lags + 1), bias=2.25 * (lags + 1) / n)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(-100.0, 100.0))
def test_units_square_and_the_origin_does_not_matter(scale, shift):
    x = np.random.default_rng(3).standard_normal(64).cumsum()
    expected = scale**2 * long_run_variance(x)
    np.testing.assert_allclose(long_run_variance(scale * (x + shift)), expected, rtol=1e-9)
    np.testing.assert_allclose(long_run_variance(-scale * x[::-1]), expected, rtol=1e-9)


def test_a_constant_has_no_variance():
    assert float(long_run_variance(np.full(50, 0.1))) == 0.0


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="had 0"):
        long_run_variance(np.zeros(0))
    with pytest.raises(ValueError, match="was -1"):
        long_run_variance(np.zeros(8), lags=-1)
    with pytest.raises(ValueError, match="was 8"):
        long_run_variance(np.zeros(8), lags=8)
    for bad in (np.nan, np.inf):
        with pytest.raises(RuntimeError, match="finite"):
            eqx.filter_jit(long_run_variance)(np.array([1.0, bad, 2.0]))
