import arch
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import fit_garch
from tests.statistics import assert_mean

WINDOWS, BARS = 60, 1000
fit_many = jax.jit(jax.vmap(fit_garch))


def fit_one(x):
    """Fit one window through the batch shape that is compiled already."""
    return jax.tree.map(lambda leaf: leaf[0], fit_many(np.broadcast_to(x, (WINDOWS, x.size))))


def simulate(key, omega, alpha, beta, *, bars, windows):
    def advance(carry, z):
        variance = omega + alpha * carry[0] ** 2 + beta * carry[1]
        x = jnp.sqrt(variance) * z
        return (x, variance), x

    start = jnp.full(windows, omega / (1 - alpha - beta))
    _, paths = jax.lax.scan(advance, (jnp.sqrt(start), start), jr.normal(key, (bars + 200, windows)))
    return paths[200:].T


def test_arch_agrees_on_real_returns(sp500_returns):
    """Their optimiser stops earlier, so ours may only be better, and no further than their tolerance."""
    x = sp500_returns[-BARS:]
    fitted, theirs = fit_one(x), arch.arch_model(x).fit(disp="off", options={"ftol": 1e-10})
    np.testing.assert_allclose(fitted.parameters, theirs.params, rtol=1e-3)
    np.testing.assert_allclose(fitted.standard_errors, theirs.std_err, rtol=3e-3)
    np.testing.assert_allclose(fitted.log_likelihood, theirs.loglikelihood, rtol=1e-7)
    assert fitted.log_likelihood >= theirs.loglikelihood - 1e-6


def test_the_likelihood_at_the_estimate_by_a_plain_loop(sp500_returns):
    x = sp500_returns[-BARS:]
    fitted = fit_one(x)
    mu, omega, alpha, beta = (float(v) for v in fitted.parameters)
    weights = 0.94 ** np.arange(75)
    square = variance = np.sum(weights * (x[:75] - x.mean()) ** 2) / weights.sum()
    density = []
    for value in x - mu:
        variance = omega + alpha * square + beta * variance
        square = value**2
        density.append(-0.5 * (np.log(2 * np.pi * variance) + square / variance))
    np.testing.assert_allclose(fitted.log_likelihood, np.sum(density), rtol=1e-10)
    np.testing.assert_allclose(fitted.bic, 4 * np.log(x.size - 8) - 2 * np.sum(density[8:]), rtol=1e-10)


@pytest.mark.stat
def test_simulated_parameters_are_recovered(key):
    paths = simulate(stream(key, "garch"), 0.1, 0.15, 0.75, bars=BARS, windows=WINDOWS)
    fitted = fit_many(paths)
    assert np.all(fitted.outcome == Outcome.OK)
    # Biases at n = 1000 are of order 1 / n times the inverse information: about a tenth of a standard error.
    bias = 0.15 * np.median(fitted.standard_errors, axis=0)
    for column, truth in enumerate([0.0, 0.1, 0.15, 0.75]):
        assert_mean(fitted.parameters[:, column], truth, bias=bias[column] + (0.02 if column == 1 else 0.0))


def test_windows_without_clustering_end_inside_the_box(key):
    fitted = fit_many(jr.normal(stream(key, "noise"), (WINDOWS, BARS)))
    assert np.all(fitted.outcome == Outcome.OK)
    _, omega, alpha, beta = fitted.parameters.T
    assert np.all(omega > 0.0)
    assert np.all(alpha >= 0.0)
    assert np.all(beta >= 0.0)
    assert np.all(alpha + beta < 1.0)
    # The unconditional variance is 1, and 1000 squares know it to 4.5 %.
    assert_mean(omega / (1 - alpha - beta), 1.0, bias=0.01)


def test_units_and_origin_do_not_matter(sp500_returns):
    x = sp500_returns[-BARS:]
    before, after = fit_one(x), fit_one(0.01 * x + 3.0)
    np.testing.assert_allclose(after.parameters[2:], before.parameters[2:], rtol=1e-6)
    np.testing.assert_allclose(after.parameters[1], 1e-4 * before.parameters[1], rtol=1e-6)
    np.testing.assert_allclose(after.parameters[0], 3.0 + 0.01 * before.parameters[0], rtol=1e-9)
    np.testing.assert_allclose(after.bic - before.bic, 2 * (BARS - 8) * np.log(0.01), rtol=1e-8)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(BARS, 0.1), Outcome.CONSTANT),
        (np.where(np.arange(BARS) == 30, np.nan, 1.0), Outcome.NON_FINITE),
        (np.arange(12.0), Outcome.TOO_SHORT),
    ],
)
def test_a_window_without_a_fit_says_why(window, outcome):
    fitted = fit_one(window)
    assert int(fitted.outcome) == outcome
    assert fitted.bic == np.inf
    assert np.all(np.isnan(fitted.parameters))
