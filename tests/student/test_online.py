"""The online step: equal to the batch filter, exact quantiles, stable, blind to the order of assets."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from aurora_jax.student import QUANTILES, Trailing, bind, filter_window
from tests.student.conftest import ASSETS, FEATURES, random_network, run


def test_the_online_step_is_the_batch_filter(network, trailing, market, online):
    features, returns = market
    state, info = online
    cells = filter_window(network, features)
    np.testing.assert_allclose(info.posterior.mean, cells.posterior.mean, atol=2e-6)
    np.testing.assert_allclose(info.posterior.log_variance, cells.posterior.log_variance, atol=2e-6)
    np.testing.assert_allclose(state.latent, cells.latent[-1], atol=2e-6)
    variance = trailing.init().variance
    for t, now in enumerate(np.asarray(returns)):
        variance = 0.5 ** (1 / 11) * variance + (1 - 0.5 ** (1 / 11)) * now**2
        location, log_scale = cells.forecast[0][t], cells.forecast[1][t]
        np.testing.assert_allclose(info.forecast.mean[t] / np.sqrt(variance), location, atol=2e-6)
        np.testing.assert_allclose(np.log(info.forecast.scale[t] / np.sqrt(variance)), log_scale, atol=2e-6)


def test_stepping_on_from_the_middle_is_stepping_through(student, market, online):
    """The state holds all the memory there is."""
    features, returns = market
    step = eqx.filter_jit(student.step)
    state = student.init()
    for t in range(4):
        state, info = step(state, features[t], returns[t])
        np.testing.assert_allclose(info.forecast.quantiles, online[1].forecast.quantiles[t], rtol=1e-5, atol=1e-9)


def test_quantiles_are_those_of_the_student_t_law(network, online):
    forecast = online[1].forecast
    law = stats.t(float(network.degrees_of_freedom))
    expected = np.asarray(forecast.mean)[..., None] + np.asarray(forecast.scale)[..., None] * law.ppf(QUANTILES)
    np.testing.assert_allclose(forecast.quantiles, expected, rtol=1e-8)
    np.testing.assert_allclose(forecast.degrees_of_freedom, float(network.degrees_of_freedom), rtol=1e-7)


def test_permuting_assets_permutes_the_forecast(network, trailing, market, online):
    order = np.array([2, 0, 1])
    features, returns = market
    turned = Trailing(trailing.base_correlation[order][:, order], trailing.base_variance[order])
    forecast = run(bind(network, turned), features[:, order], returns[:, order])[1].forecast
    expected = online[1].forecast
    np.testing.assert_allclose(forecast.mean, expected.mean[:, order], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(forecast.scale, expected.scale[:, order], rtol=1e-5)
    np.testing.assert_allclose(forecast.correlation, expected.correlation[:, order][:, :, order], rtol=1e-9)
    assert not np.allclose(expected.scale[:, order], expected.scale, rtol=1e-2)


def test_any_weights_give_a_stable_filter():
    """The latent mean obeys |z'| <= 0.9 |z| + 1 + 1, so it never leaves [-20, 20], whatever was learnt."""
    rng = np.random.default_rng(9)
    features = jnp.asarray(3.0 * rng.standard_normal((3000, ASSETS, FEATURES)), jnp.float32)
    returns = jnp.asarray(0.01 * rng.standard_t(3, (3000, ASSETS)))
    trailing = Trailing(jnp.eye(ASSETS), jnp.full(ASSETS, 1e-4))
    for seed in range(3):
        _, info = run(bind(random_network(seed, size=20.0), trailing), features, returns)
        for leaf in jax.tree.leaves(info):
            assert np.all(np.isfinite(leaf))
        assert np.max(np.abs(info.posterior.mean)) <= 20.0 + 1e-4
        assert np.all(np.asarray(info.forecast.scale) > 0.0)
