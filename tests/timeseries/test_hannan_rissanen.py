from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from statsmodels.tsa.arima.estimators.hannan_rissanen import hannan_rissanen as their_hannan_rissanen

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import hannan_rissanen
from tests.statistics import assert_mean

estimate = partial(hannan_rissanen, order=(2, 1), long_order=6)
estimate_many = jax.jit(jax.vmap(partial(hannan_rissanen, order=(1, 1), long_order=8)))


def twin(x, p, q, long_order):
    """The two regressions, row by row, by the singular value decomposition."""
    x = x - x.mean()
    rows = range(long_order, x.size)
    past = np.array([[x[t - i] for i in range(1, long_order + 1)] for t in rows])
    coefficients = np.linalg.lstsq(past, x[long_order:], rcond=None)[0]
    shocks = dict(zip(rows, x[long_order:] - past @ coefficients, strict=True))
    rows = range(long_order + max(p, q), x.size)
    past = np.array([[x[t - i] for i in range(1, p + 1)] + [shocks[t - j] for j in range(1, q + 1)] for t in rows])
    target = x[long_order + max(p, q) :]
    solution = np.linalg.lstsq(past, target, rcond=None)[0]
    variance = np.mean((target - past @ solution) ** 2)
    return solution, np.sqrt(variance * np.diag(np.linalg.inv(past.T @ past)))


def test_the_textbook_twin_agrees(sp500_returns):
    x = sp500_returns[:300]
    fitted = estimate(x)
    solution, errors = twin(x, 2, 1, 6)
    np.testing.assert_allclose([*fitted.ar_coefficients, *fitted.ma_coefficients], solution, rtol=1e-7)
    np.testing.assert_allclose([*fitted.ar_standard_errors, *fitted.ma_standard_errors], errors, rtol=1e-7)


def test_statsmodels_is_near_on_a_real_series(sp500_log_range):
    """Theirs starts from Yule-Walker instead of least squares; a tenth of a standard error is allowed for that."""
    fitted = hannan_rissanen(sp500_log_range, order=(1, 1), long_order=8)
    theirs, _ = their_hannan_rissanen(
        sp500_log_range, ar_order=1, ma_order=1, demean=True, initial_ar_order=8, unbiased=False
    )
    assert abs(fitted.ar_coefficients[0] - theirs.ar_params[0]) < 0.1 * fitted.ar_standard_errors[0]
    assert abs(fitted.ma_coefficients[0] - theirs.ma_params[0]) < 0.1 * fitted.ma_standard_errors[0]


@pytest.mark.stat
def test_simulated_coefficients_are_recovered(key):
    """Signs and places: AR .6 and MA .3 differ, so that neither can be taken for the other."""
    phi, theta, n, windows = 0.6, 0.3, 1024, 200
    shocks = jr.normal(stream(key, "arma"), (n + 50, windows))

    def advance(carry, shock):
        x = phi * carry[0] + shock + theta * carry[1]
        return (x, shock), x

    _, paths = jax.lax.scan(advance, (jnp.zeros(windows), jnp.zeros(windows)), shocks)
    fitted = estimate_many(paths[50:].T)
    # Bias: of order (1 + 3 phi) / n from the mean, and theta**8 from the truncated long autoregression.
    assert_mean(fitted.ar_coefficients[:, 0], phi, bias=0.006)
    assert_mean(fitted.ma_coefficients[:, 0], theta, bias=0.006)


def test_units_and_origin_do_not_matter(sp500_returns):
    x = sp500_returns[:300]
    before, after = estimate(x), estimate(1e-4 * x + 7.0)
    for left, right in zip(before[:4], after[:4], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-7)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(300, 2.0), Outcome.CONSTANT),
        (np.where(np.arange(300) == 1, np.nan, 1.0), Outcome.NON_FINITE),
        (np.arange(13.0), Outcome.TOO_SHORT),
    ],
)
def test_a_window_without_an_estimate_says_why(window, outcome):
    fitted = estimate(window)
    assert int(fitted.outcome) == outcome
    assert np.all(fitted.ar_coefficients == 0.0)
    assert np.all(fitted.ma_standard_errors == 0.0)


def test_orders_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"was \(1, 0\)"):
        hannan_rissanen(np.zeros(64), order=(1, 0))
    with pytest.raises(ValueError, match="was 0"):
        hannan_rissanen(np.zeros(64), order=(1, 1), long_order=0)
