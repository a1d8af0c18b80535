import warnings
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.optimize
from statsmodels.tools.sm_exceptions import EstimationWarning
from statsmodels.tsa.arima.model import ARIMA

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import fit_ar, fit_arma
from aurora_jax.timeseries._arma_squares import residual_squares
from aurora_jax.timeseries.arma import _step_down, _step_up
from tests.statistics import assert_mean

WINDOWS = 40
fit_many = jax.jit(jax.vmap(partial(fit_arma, order=(1, 1))))
fit_one = partial(fit_arma, order=(2, 2))


def fit_mixed(x):
    """Fit an ARMA(1, 1) through the batch shape that is compiled already."""
    return jax.tree.map(lambda leaf: leaf[0], fit_many(np.broadcast_to(x, (WINDOWS, x.size))))


def squares(coefficients, x, p, q):
    """The conditional residuals, one at a time."""
    phi, theta = coefficients[1 : p + 1], coefficients[p + 1 :]
    e = np.zeros(x.size)
    for t in range(p, x.size):
        past = sum(phi[i] * x[t - 1 - i] for i in range(p))
        e[t] = x[t] - coefficients[0] - past - sum(theta[j] * e[t - 1 - j] for j in range(q) if t - 1 - j >= p)
    return e[p:]


@pytest.mark.slow
def test_a_general_least_squares_solver_finds_the_same_optimum(sp500_log_range):
    x = sp500_log_range[:256]
    fitted = fit_one(x)
    assert int(fitted.outcome) == Outcome.OK
    start = np.array(fitted.parameters[:-1]) + 0.05
    theirs = scipy.optimize.least_squares(squares, start, args=(x, 2, 2), xtol=1e-12, ftol=1e-15, gtol=1e-12)
    variance = 2.0 * theirs.cost / (x.size - 2)
    np.testing.assert_allclose(fitted.parameters[-1], variance, rtol=1e-8)
    assert np.all(np.abs(fitted.parameters[:-1] - theirs.x) < 1e-3 * fitted.standard_errors[:-1])
    errors = np.sqrt(variance * np.diag(np.linalg.inv(theirs.jac.T @ theirs.jac)))
    np.testing.assert_allclose(fitted.standard_errors[:-1], errors, rtol=1e-3)
    density = -0.5 * (np.log(2 * np.pi * variance) + squares(fitted.parameters[:-1], x, 2, 2) ** 2 / variance)
    np.testing.assert_allclose(fitted.log_likelihood, density.sum(), rtol=1e-8)
    np.testing.assert_allclose(fitted.bic, 6 * np.log(x.size - 8) - 2 * density[6:].sum(), rtol=1e-8)


def test_statsmodels_agrees_on_a_real_series(sp500_log_range):
    """Exact against conditional likelihood: they differ by the weight of the first observation, a part of an error."""
    x = sp500_log_range[:500]
    fitted = fit_mixed(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)  # about their own starting values
        theirs = ARIMA(x, order=(1, 0, 1)).fit(cov_type="oim")
    mine = np.array(fitted.parameters)
    assert np.all(np.abs(mine[1:] - theirs.params[1:]) < 0.2 * theirs.bse[1:])
    np.testing.assert_allclose(mine[0] / (1 - mine[1]), theirs.params[0], atol=theirs.bse[0])
    np.testing.assert_allclose(fitted.standard_errors[1:], theirs.bse[1:], rtol=0.05)
    np.testing.assert_allclose(fitted.log_likelihood, theirs.llf, atol=2.0)


@pytest.mark.slow
@pytest.mark.parametrize("order", [(2, 2), (0, 1)])
def test_the_derivatives_of_the_squares_are_those_of_automatic_differentiation(sp500_log_range, order):
    x = jnp.asarray(sp500_log_range[:15])
    natural = jnp.array([0.1, 0.3, -0.2, 0.4, 0.25])[: 1 + sum(order)]

    def total(natural):
        return residual_squares(natural[:, None], x[:, None], order=order).squares[0]

    found = jax.jit(partial(residual_squares, order=order))(natural[:, None], x[:, None])
    np.testing.assert_allclose(found.squares[0], np.sum(squares(np.asarray(natural), x, *order) ** 2), rtol=1e-12)
    slope, hessian = jax.jit(lambda n: (jax.grad(total)(n), jax.jacfwd(jax.jacfwd(total))(n)))(natural)
    np.testing.assert_allclose(found.slope[:, 0], slope / 2.0, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose((found.gram + found.bend)[..., 0], hessian / 2.0, rtol=1e-10, atol=1e-10)


@pytest.mark.stat
def test_simulated_coefficients_are_recovered(key):
    phi, theta, n, windows = 0.6, 0.3, 500, WINDOWS
    shocks = jr.normal(stream(key, "arma"), (n + 50, windows))

    def advance(carry, shock):
        x = 0.5 + phi * carry[0] + shock + theta * carry[1]
        return (x, shock), x

    _, paths = jax.lax.scan(advance, (jnp.zeros(windows), jnp.zeros(windows)), shocks)
    fitted = fit_many(paths[50:].T)
    assert np.all(fitted.outcome == Outcome.OK)
    # Biases are of order 1 / n times a small multiple.
    assert_mean(fitted.parameters[:, 1], phi, bias=4 / n)
    assert_mean(fitted.parameters[:, 2], theta, bias=4 / n)
    assert_mean(fitted.parameters[:, 0], 0.5, bias=10 / n)
    # 40 estimates know their standard deviation to 11 %.
    np.testing.assert_allclose(
        np.mean(fitted.standard_errors, axis=0)[1:], np.std(fitted.parameters, axis=0)[1:], rtol=0.4
    )


def test_units_and_origin_do_not_matter(sp500_log_range):
    x = sp500_log_range[:256]
    before, after = fit_one(x), fit_one(1e-3 * (x + 5.0))
    np.testing.assert_allclose(after.parameters[1:5], before.parameters[1:5], rtol=1e-5)
    intercept = 1e-3 * (before.parameters[0] + 5.0 * (1 - before.parameters[1:3].sum()))
    np.testing.assert_allclose(after.parameters[0], intercept, rtol=1e-5)
    np.testing.assert_allclose(after.bic - before.bic, 2 * (256 - 8) * np.log(1e-3), rtol=1e-7)


def test_a_moving_average_never_worsens_the_likelihood(sp500_returns):
    window = sp500_returns[:500]
    assert fit_mixed(window).log_likelihood >= fit_ar(window, order=1).log_likelihood - 1e-9


def test_partial_autocorrelations_by_hand():
    # (.5); then (.5 + .2 x .5, .2) = (.6, .2); then (.6 - .3 x .2, .2 - .3 x .6, -.3).
    theta = _step_up(jnp.array([0.5, 0.2, -0.3]))
    np.testing.assert_allclose(theta, [0.54, 0.02, -0.3], rtol=1e-12)
    np.testing.assert_allclose(_step_down(theta), [0.5, 0.2, -0.3], rtol=1e-12)
    assert np.all(np.abs(np.roots([-0.3, 0.02, 0.54, 1.0])) > 1.0)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(256, 0.1), Outcome.CONSTANT),
        (np.where(np.arange(256) == 30, np.nan, 1.0), Outcome.NON_FINITE),
        (np.where(np.arange(256) % 2, 1.0, -1.0), Outcome.CONSTANT),
        (np.arange(14.0), Outcome.TOO_SHORT),
    ],
)
def test_a_window_without_a_fit_says_why(window, outcome):
    fitted = fit_one(window)
    assert int(fitted.outcome) == outcome
    assert fitted.bic == np.inf


def test_orders_out_of_range_are_refused():
    with pytest.raises(ValueError, match="use fit_ar"):
        fit_arma(np.zeros(64), order=(1, 0))
    with pytest.raises(ValueError, match="at least the order 3, was 2"):
        fit_arma(np.zeros(64), order=(3, 1), initial_values=2)
