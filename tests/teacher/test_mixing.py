"""The held heavy scale: its stationary law, its memory, and what it does to clusters of extremes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from aurora_jax.core import stream
from aurora_jax.teacher.mixing import held_mixing
from tests.statistics import assert_mean

_PATHS, _STEPS = 2000, 60


def _draw(key, freedom, rate, *, step_size=1.0, paths=_PATHS, steps=_STEPS):
    mixing = held_mixing(degrees_of_freedom=freedom, renewal_rate=rate, dtype=jnp.float64)
    keys = jax.random.split(key, paths)
    return np.asarray(jax.jit(jax.vmap(lambda k: mixing.draw(k, steps=steps, step_size=step_size)))(keys))


@pytest.mark.stat
@pytest.mark.parametrize("step", [0, 1, _STEPS - 1])
def test_every_step_has_the_inverse_gamma_law(key, step):
    scale = _draw(key, 5.0, 0.2)[:, step]
    assert stats.kstest(scale, stats.invgamma(2.5, scale=2.5).cdf).pvalue > 1e-3


@pytest.mark.stat
@pytest.mark.parametrize("step_size", [0.25, 1.0])
def test_a_scale_outlives_a_lag_with_the_exponential_probability(key, step_size):
    """P(w_t+s = w_t) = e^(-kappa s) at any step size: 10 bars on at kappa = 0.1 it is 1/e."""
    lag = int(10 / step_size)
    scale = _draw(key, 5.0, 0.1, step_size=step_size, steps=lag + 1)
    assert_mean((scale[:, lag] == scale[:, 0]).astype(float), np.exp(-1.0))


@pytest.mark.stat
def test_the_mean_reverts(key):
    """E[w_5 | w_0 large] = E w + e^(-5 kappa) (w_0 - E w), with E w = nu / (nu - 2)."""
    scale = _draw(key, 12.0, 0.2, paths=20_000, steps=6)
    large = scale[:, 0] > 2.0
    expected = 1.2 + np.exp(-1.0) * (scale[large, 0] - 1.2)
    assert_mean(scale[large, 5] - expected, 0.0)


def test_what_is_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"exceed 2\.0, was 2\.0"):
        held_mixing(degrees_of_freedom=2.0, renewal_rate=0.1, dtype=jnp.float64)
    with pytest.raises(ValueError, match=r"was 9\.0"):
        held_mixing(degrees_of_freedom=3.0, renewal_rate=9.0, dtype=jnp.float64)


def test_starting_values_are_met():
    mixing = held_mixing(degrees_of_freedom=3.5, renewal_rate=0.07, dtype=jnp.float64)
    np.testing.assert_allclose(mixing.degrees_of_freedom, 3.5, rtol=1e-12)
    np.testing.assert_allclose(mixing.renewal_rate, 0.07, rtol=1e-12)
    np.testing.assert_allclose(mixing.with_renewal_rate(0.5).renewal_rate, 0.5, rtol=1e-12)
    np.testing.assert_allclose(mixing.held(2.0), np.exp(-0.14), rtol=1e-12)


def extremal_index_of_held_scale(freedom: float, held: float) -> float:
    r"""theta = E max_{i <= T} (n_i^+)^nu / E sum_{i <= T} (n_i^+)^nu, T geometric: runs of one scale are clusters.

    A cluster of a product of a regularly varying scale and light noise: Breiman's lemma within each run of the scale.
    """
    moment = integrate.quad(lambda x: x**freedom * stats.norm.pdf(x), 0.0, np.inf)[0]

    def beyond(x):  # P(max over the run > x), T geometric with mean 1 / (1 - held)
        below = stats.norm.cdf(x)
        return 1.0 - (1.0 - held) * below / (1.0 - held * below)

    largest = integrate.quad(lambda x: freedom * x ** (freedom - 1.0) * beyond(x), 0.0, np.inf)[0]
    return largest * (1.0 - held) / moment


@pytest.mark.stat
@pytest.mark.slow
def test_returns_cluster_as_the_closed_form_says_even_far_out(key):
    """Held scales keep theta at its limit at q = .999; the same marks with fresh scales have theta = 1 there.

    theta(u) is measured as the share of exceedances not followed by another within the next 30 bars (runs), on
    200,000 paths of 60 bars; a run of the scale (mean 5 bars) lasts longer than 30 in 0.1 % of the cases.
    """
    freedom, rate, paths, quantile = 3.0, 0.2, 200_000, 0.999
    normal = np.asarray(jax.random.normal(stream(key, "normal"), (paths, _STEPS)))

    def runs(scale):
        loss = np.sqrt(scale) * normal
        over = loss > np.quantile(loss, quantile)
        first = over[:, :30]
        followed = np.stack([over[:, i + 1 : i + 31].any(axis=1) for i in range(30)], axis=1)
        return 1.0 - followed[first].mean(), 0.5 / np.sqrt(first.sum())

    held = _draw(stream(key, "held"), freedom, rate, paths=paths)
    fresh = np.asarray(
        (0.5 * freedom) / jax.random.gamma(stream(key, "fresh"), 0.5 * freedom, (paths, _STEPS), jnp.float64)
    )
    chance = 30 * (1.0 - quantile)  # of an unrelated exceedance in the window
    expected = extremal_index_of_held_scale(freedom, np.exp(-rate))
    found, error = runs(held)
    assert abs(found - expected) < 4.0 * error + chance + 0.02, (found, expected)
    naive, error = runs(fresh)
    assert naive > 1.0 - chance - 4.0 * error
    assert found < 0.75
