import warnings
from functools import partial

import arch
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import fit_garch, fit_garch_t
from aurora_jax.timeseries._garch_likelihood import differentiate, log_densities
from aurora_jax.timeseries._innovation import Gaussian, StudentT
from tests.statistics import assert_mean

WINDOWS, BARS = 60, 1000
fit_many = jax.jit(jax.vmap(fit_garch))
fit_many_t = jax.jit(jax.vmap(fit_garch_t))


def fit_one(x, many=fit_many):
    """Fit one window through the batch shape that is compiled already."""
    return jax.tree.map(lambda leaf: leaf[0], many(np.broadcast_to(x, (WINDOWS, x.size))))


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


@pytest.mark.slow
@pytest.mark.parametrize("first_bar", [0, 1500, 4000])
@pytest.mark.parametrize("many", [fit_many, fit_many_t])
def test_arch_agrees_on_windows_of_two_indices(sp500_returns, nasdaq_returns, many, first_bar):
    """A hundredth of a standard error in the parameters, 1 % in the errors, 1e-6 in the log-likelihood."""
    law = "t" if many is fit_many_t else "normal"
    for returns in (sp500_returns, nasdaq_returns):
        x = returns[first_bar : first_bar + BARS]
        fitted = fit_one(x, many)
        theirs = arch.arch_model(x, dist=law, rescale=False).fit(disp="off", options={"ftol": 1e-12})
        errors = np.asarray(theirs.std_err)
        assert int(fitted.outcome) == Outcome.OK
        assert np.all(np.abs(fitted.parameters - np.asarray(theirs.params)) < 0.01 * errors)
        np.testing.assert_allclose(fitted.standard_errors, errors, rtol=0.01)
        np.testing.assert_allclose(fitted.log_likelihood, theirs.loglikelihood, atol=1e-6)
        # Their BIC counts every bar; ours, over all bars, is the same number.
        size = theirs.params.size
        np.testing.assert_allclose(size * np.log(BARS) - 2.0 * fitted.log_likelihood, theirs.bic, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("innovation", [Gaussian(), StudentT()])
def test_the_recursions_of_the_derivatives_are_those_of_automatic_differentiation(sp500_returns, innovation):
    values = jnp.asarray(sp500_returns[:12])
    shape = [7.0] * len(innovation.shape_box())
    natural = jnp.array([0.1, 0.07, 0.12, 0.8, *shape])

    def densities(natural):
        return -log_densities(innovation, natural, values, jnp.array(1.3))

    found = jax.jit(partial(differentiate, innovation))(natural[:, None], values[:, None], jnp.array([1.3]))
    scores = jax.jit(jax.jacfwd(densities))(natural)
    np.testing.assert_allclose(found.value[0], jnp.sum(densities(natural)), rtol=1e-12)
    np.testing.assert_allclose(found.gradient[:, 0], jnp.sum(scores, axis=0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.products[..., 0], scores.T @ scores, rtol=1e-10, atol=1e-10)
    hessian = jax.jit(jax.hessian(lambda p: jnp.sum(densities(p))))(natural)
    np.testing.assert_allclose(found.hessian[..., 0], hessian, rtol=1e-9, atol=1e-9)


def test_the_student_density_is_that_of_scipy(sp500_returns):
    """With alpha = beta = 0 the variance is omega and the innovations are a scaled t law."""
    x = sp500_returns[:40]
    found = log_densities(StudentT(), jnp.array([0.1, 1.7, 0.0, 0.0, 5.5]), jnp.asarray(x), jnp.array(1.0))
    expected = scipy.stats.t(5.5, loc=0.1, scale=np.sqrt(1.7 * 3.5 / 5.5)).logpdf(x)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("fit", [fit_garch, fit_garch_t])
def test_a_thousand_windows_in_one_call(sp500_returns, nasdaq_returns, fit):
    """Each has an honest outcome, and a sample has the numbers of single fits and at least arch's likelihood."""
    bars = 512
    halves = [
        [returns[start : start + bars] for start in np.linspace(0, returns.size - bars, 500).astype(int)]
        for returns in (sp500_returns, nasdaq_returns)
    ]
    windows = np.concatenate(halves)
    windows[7], windows[500], windows[999, 3] = 0.1, 0.0, np.nan
    fitted = jax.jit(jax.vmap(fit))(windows)
    outcomes = np.zeros(1000, int)
    outcomes[[7, 500, 999]] = Outcome.CONSTANT, Outcome.CONSTANT, Outcome.NON_FINITE
    np.testing.assert_array_equal(fitted.outcome, outcomes)
    usable = outcomes == Outcome.OK
    assert np.all(np.isfinite(fitted.bic) == usable)
    assert np.all(np.isfinite(fitted.parameters).all(axis=1) == usable)
    law, single, gaps = "t" if fit is fit_garch_t else "normal", jax.jit(fit), []
    for row in range(3, 1000, 25):
        alone = single(windows[row])
        np.testing.assert_allclose(alone.log_likelihood, fitted.log_likelihood[row], rtol=1e-11)
        assert np.all(np.abs(alone.parameters - fitted.parameters[row]) < 1e-3 * alone.standard_errors)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = arch.arch_model(windows[row], dist=law, rescale=False).fit(disp="off")
        gaps.append(float(alone.log_likelihood) - theirs.loglikelihood)
    assert np.min(gaps) > -1e-4


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
    # Where no shock matters, omega and beta cannot be told apart, and only there.
    errors = np.asarray(fitted.standard_errors)
    unseen = np.isinf(errors)
    assert np.any(alpha == 0.0)
    assert np.any(alpha > 0.0)
    np.testing.assert_array_equal(unseen, (np.asarray(alpha) == 0.0)[:, None] & np.array([[False, True, False, True]]))
    # The unconditional variance is 1, and 1000 squares know it to 4.5 %.
    assert_mean(omega / (1 - alpha - beta), 1.0, bias=0.01)


@settings(max_examples=4, deadline=None)
@given(st.floats(1e-4, 1e4), st.floats(-100.0, 100.0))
@pytest.mark.parametrize("many", [fit_many, fit_many_t])
def test_units_and_origin_do_not_matter(many, scale, shift):
    x = simulate(jr.key(5), 0.1, 0.15, 0.75, bars=BARS, windows=1)[0]
    before, after = fit_one(x, many), fit_one(scale * (x + shift), many)
    close = 1e-3 * before.standard_errors
    assert np.all(np.abs(after.parameters[2:] - before.parameters[2:]) < close[2:])
    assert abs(after.parameters[1] / scale**2 - before.parameters[1]) < close[1]
    assert abs(after.parameters[0] / scale - shift - before.parameters[0]) < close[0]
    units = np.array([scale, scale**2, *np.ones(before.parameters.size - 2)])
    np.testing.assert_allclose(after.standard_errors, units * before.standard_errors, rtol=1e-3)
    np.testing.assert_allclose(after.bic - before.bic, 2 * (BARS - 8) * np.log(scale), atol=1e-4)


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        (np.full(BARS, 0.1), Outcome.CONSTANT),
        (np.where(np.arange(BARS) == 30, np.nan, 1.0), Outcome.NON_FINITE),
        (np.arange(12.0), Outcome.TOO_SHORT),
    ],
)
@pytest.mark.parametrize("many", [fit_many, fit_many_t])
def test_a_window_without_a_fit_says_why(window, outcome, many):
    fitted = fit_one(window, many)
    assert int(fitted.outcome) == outcome
    assert fitted.bic == np.inf
    assert np.all(np.isnan(fitted.parameters))


@pytest.mark.parametrize("fit", [fit_garch, fit_garch_t])
def test_values_left_out_cannot_be_negative(fit):
    with pytest.raises(ValueError, match="was -1"):
        fit(np.zeros(64), initial_values=-1)
