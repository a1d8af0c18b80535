"""The student's loss, part by part, against scipy, numpyro and hand-made windows."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.core import lenient, stream
from aurora_jax.student import Windows, filter_window, standardise_returns, student_loss
from tests.student.conftest import ASSETS, BARS, density

_WEIGHTS = {"jacobian_weight": 0.3, "divergence_weight": 0.7}


@pytest.fixture(scope="module")
def scored(network, trailing, market):
    """The loss of one window, and the filter's output on the same posterior noise."""
    features, returns = market
    standard, whitening = standardise_returns(trailing, returns)
    windows = Windows(features[None], *(part[None].astype(jnp.float32) for part in (standard, whitening)))
    key = stream(jax.random.key(3), "loss")
    structure, weights = nnx.split(network)
    total, parts = jax.jit(lambda w: student_loss(nnx.merge(structure, w), key, windows, **_WEIGHTS))(weights)
    noise = jax.random.normal(key, (1, BARS, ASSETS, network.latent), jnp.float32)[0]
    return total, parts, filter_window(network, features, noise), windows


def test_log_densities_are_those_of_scipy(network, scored):
    _, parts, cells, windows = scored
    standard, whitening = np.asarray(windows.standard_returns[0]), np.asarray(windows.whitening[0])
    now = [density(network, cells.emission[0][t], cells.emission[1][t], standard[t], whitening[t]) for t in range(BARS)]
    ahead = [
        density(network, cells.forecast[0][t], cells.forecast[1][t], standard[t + 1], whitening[t + 1])
        for t in range(BARS - 1)
    ]
    np.testing.assert_allclose(parts.reconstruction, -np.mean(now) / ASSETS, rtol=1e-5)
    np.testing.assert_allclose(parts.prediction, -np.mean(ahead) / ASSETS, rtol=1e-5)


def test_the_single_density_is_that_of_each_asset_alone(network, scored):
    _, parts, cells, windows = scored
    location, scale = np.asarray(cells.forecast[0]), np.exp(np.asarray(cells.forecast[1]))
    law = stats.t(float(network.degrees_of_freedom), loc=location[:-1], scale=scale[:-1])
    expected = -np.mean(law.logpdf(np.asarray(windows.standard_returns[0])[1:]))
    np.testing.assert_allclose(parts.single, expected, rtol=1e-5)
    np.testing.assert_allclose(parts.forecast, 0.5 * (expected + float(parts.prediction)), rtol=1e-5)


def test_of_one_asset_joint_and_single_density_are_the_same(network, market):
    features, returns = market
    scaled = jnp.asarray(50.0 * returns[None, :, :1], jnp.float32)
    windows = Windows(features[None, :, :1], scaled, jnp.ones((1, BARS, 1, 1), jnp.float32))
    _, parts = student_loss(network, jax.random.key(1), windows, **_WEIGHTS)
    np.testing.assert_allclose(parts.single, parts.prediction, rtol=1e-5)


def test_the_divergence_is_the_closed_form(scored):
    _, parts, cells, _ = scored

    def normal(law):
        return dist.Normal(law.mean, jnp.exp(0.5 * law.log_variance))

    with lenient():
        expected = dist.kl_divergence(normal(cells.posterior), normal(cells.prior))
    assert np.all(np.asarray(expected) >= 0.0)
    np.testing.assert_allclose(parts.divergence, np.mean(np.sum(expected, axis=-1)), rtol=1e-5)
    assert parts.divergence > 0.0


def test_the_jacobian_term_is_the_steepness_of_the_mean_transition(network, scored):
    """Central differences on the first asset, at every sixth of the 24 bars."""
    _, parts, cells, _ = scored
    points, width = np.asarray(cells.latent)[::6, 0], 1e-2
    total = 0.0
    for axis in np.eye(network.latent):
        step = jnp.asarray(width * axis, jnp.float32)
        above, below = (network.transition(jnp.asarray(points) + sign * step[None, :]).mean for sign in (1, -1))
        total += np.mean(np.sum(((np.asarray(above) - np.asarray(below)) / (2 * width)) ** 2, axis=1))
    np.testing.assert_allclose(parts.jacobian, total, rtol=2e-3)


def test_the_total_weighs_its_parts(scored):
    total, parts, _, _ = scored
    expected = parts.reconstruction + parts.forecast + 0.7 * parts.divergence + 0.3 * parts.jacobian
    np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_returns_are_standardised_by_what_came_before(trailing, market):
    """The first bar by the base moments, later ones by the moments a loop has gathered."""
    _, returns = market
    standard, whitening = standardise_returns(trailing, returns)
    state = trailing.init()
    for t in range(4):
        np.testing.assert_allclose(standard[t], returns[t] / np.sqrt(state.variance), rtol=1e-10)
        correlation = trailing.correlation(state)
        np.testing.assert_allclose(whitening[t] @ correlation @ whitening[t].T, np.eye(ASSETS), atol=1e-10)
        state = trailing.step(state, returns[t])
    assert np.all(np.triu(np.asarray(whitening[3]), 1) == 0.0)


def test_a_window_of_one_bar_has_nothing_to_predict(network, scored):
    _, _, _, windows = scored
    short = jax.tree.map(lambda leaf: leaf[:, :1], windows)
    with pytest.raises(ValueError, match="at least 2 bars"):
        student_loss(network, jax.random.key(0), short, **_WEIGHTS)
