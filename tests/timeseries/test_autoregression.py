from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.ar_model import AutoReg

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import fit_ar
from tests.statistics import assert_mean

fit_two = partial(fit_ar, order=2)
fit_many = jax.jit(jax.vmap(partial(fit_ar, order=1)))


def test_four_regression_rows_by_hand():
    # Regress (1, 1, 3, 2) on (0, 1, 1, 3): Sxy = 1.25, Sxx = 4.75, Syy = 2.75, means 1.25 and 1.75.
    fitted = fit_ar(jnp.array([0.0, 1.0, 1.0, 3.0, 2.0]), order=1, initial_values=1)
    slope = 5 / 19
    variance = (2.75 - slope * 1.25) / 4
    np.testing.assert_allclose(fitted.parameters, [1.75 - slope * 1.25, slope, variance], rtol=1e-10)
    spread = np.sqrt(variance * np.array([1 / 4 + 1.25**2 / 4.75, 1 / 4.75]))
    np.testing.assert_allclose(fitted.standard_errors, [*spread, variance * np.sqrt(0.5)], rtol=1e-10)
    log_likelihood = -2.0 * (np.log(2 * np.pi * variance) + 1.0)
    np.testing.assert_allclose(fitted.log_likelihood, log_likelihood, rtol=1e-10)
    np.testing.assert_allclose(fitted.bic, -2.0 * log_likelihood + 3.0 * np.log(4.0), rtol=1e-10)


def test_statsmodels_agrees_on_real_returns(sp500_returns):
    fitted, theirs = fit_two(sp500_returns), AutoReg(sp500_returns, 2).fit()
    np.testing.assert_allclose(fitted.parameters, [*theirs.params, theirs.sigma2], rtol=1e-8)
    np.testing.assert_allclose(fitted.standard_errors[:3], theirs.bse, rtol=1e-8)
    np.testing.assert_allclose(fitted.log_likelihood, theirs.llf, rtol=1e-10)
    own = fit_ar(sp500_returns, order=2, initial_values=2)
    np.testing.assert_allclose(own.bic, theirs.bic, rtol=1e-10)


def test_order_zero_is_the_normal_law(sp500_returns):
    x = sp500_returns[:200]
    fitted = fit_ar(x, order=0)
    np.testing.assert_allclose(fitted.parameters, [x.mean(), x.var()], rtol=1e-10)
    density = -0.5 * (np.log(2 * np.pi * x.var()) + (x - x.mean()) ** 2 / x.var())
    np.testing.assert_allclose(fitted.bic, 2 * np.log(192) - 2 * density[8:].sum(), rtol=1e-10)


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(-100.0, 100.0))
def test_units_and_origin_do_not_matter(scale, shift):
    x = np.random.default_rng(3).standard_normal(64).cumsum() * 0.1
    before, after = fit_two(x), fit_two(scale * (x + shift))
    np.testing.assert_allclose(after.parameters[1:3], before.parameters[1:3], rtol=1e-6)
    np.testing.assert_allclose(after.parameters[3], scale**2 * before.parameters[3], rtol=1e-6)
    intercept = scale * (before.parameters[0] + shift * (1 - before.parameters[1:3].sum()))
    np.testing.assert_allclose(after.parameters[0], intercept, rtol=1e-6, atol=1e-8 * scale)
    np.testing.assert_allclose(after.bic - before.bic, 2 * (64 - 8) * np.log(scale), atol=1e-5)


@pytest.mark.stat
def test_the_known_small_sample_bias_and_the_standard_error(key):
    """Kendall: the bias of the first-order coefficient with estimated mean is -(1 + 3 phi) / n + O(1 / n^2)."""
    phi, n, windows = 0.5, 256, 1000
    shocks = jr.normal(stream(key, "ar"), (n + 50, windows))
    _, paths = jax.lax.scan(lambda x, e: (phi * x + e,) * 2, jnp.zeros(windows), shocks)
    fitted = fit_many(paths[50:].T)
    estimates = fitted.parameters[:, 1]
    assert_mean(estimates, phi - (1 + 3 * phi) / n, bias=10 / n**2)
    # The standard deviation of 1000 estimates is known to 1 / sqrt(2000) = 2.2 %.
    np.testing.assert_allclose(np.mean(fitted.standard_errors[:, 1]), np.std(estimates), rtol=0.09)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(64, 0.1), Outcome.CONSTANT),
        (np.zeros(64), Outcome.CONSTANT),
        (np.where(np.arange(64) == 30, np.nan, 1.0), Outcome.NON_FINITE),
        (np.where(np.arange(64) == 30, np.inf, 1.0), Outcome.NON_FINITE),
        (np.where(np.arange(64) % 2, 1.0, -1.0), Outcome.CONSTANT),
        (np.arange(11.0), Outcome.TOO_SHORT),
    ],
)
def test_a_window_without_a_fit_says_why(window, outcome):
    fitted = fit_two(window)
    assert int(fitted.outcome) == outcome
    assert fitted.bic == np.inf
    assert fitted.log_likelihood == -np.inf
    assert np.all(np.isnan(fitted.parameters))


def test_a_price_that_moved_once_is_solvable():
    fitted = fit_two(np.where(np.arange(64) == 63, 5.0, 0.0))
    assert int(fitted.outcome) == Outcome.OK
    assert np.all(np.isfinite(fitted.parameters))
    assert np.isfinite(fitted.bic)


def test_orders_out_of_range_are_refused():
    with pytest.raises(ValueError, match="was -1"):
        fit_ar(np.zeros(64), order=-1)
    with pytest.raises(ValueError, match="at least the order 3, was 2"):
        fit_ar(np.zeros(64), order=3, initial_values=2)
