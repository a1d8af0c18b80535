"""The student as a generator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.student import generate
from tests.student.conftest import ASSETS

_LATENT = jnp.zeros((ASSETS, 2), jnp.float32)


@pytest.fixture(scope="module")
def roll(network, trailing):

    structure, weights = nnx.split(network)

    @jax.jit
    def run(key, latent):
        return generate(nnx.merge(structure, weights), trailing, key, latent, bars=40)

    return run


def test_shapes_and_keys(roll, key):
    returns = roll(key, _LATENT)
    assert returns.shape == (40, ASSETS)
    assert np.all(np.isfinite(returns))
    np.testing.assert_array_equal(returns, roll(key, _LATENT))
    assert not np.allclose(returns, roll(jax.random.key(8), _LATENT))


def test_the_first_bar_has_the_law_of_the_model(network, trailing):
    """A network without noise from the latent state: x_1 is Student-t with known location, scale and correlation."""

    structure, weights = nnx.split(network)
    weights = jax.tree.map(lambda leaf: 0.0 * leaf, nnx.to_pure_dict(weights))
    weights["decoder_out"]["bias"] = jnp.array([0.2, 0.3], jnp.float32)
    weights["emission"]["raw_degrees_of_freedom"] = jnp.asarray(-2.5, jnp.float32)
    still = nnx.merge(structure, weights)
    keys = jax.random.split(jax.random.key(4), 4000)
    first = np.asarray(jax.jit(jax.vmap(lambda k: generate(still, trailing, k, _LATENT, bars=1)))(keys))[:, 0]
    location, scale = 0.5 * np.tanh(0.2 / 0.5), np.exp(1.5 * np.tanh(0.3 / 1.5))
    standard = (first / np.sqrt(trailing.base_variance) - location) / scale
    law = stats.t(float(still.degrees_of_freedom))
    for asset in range(ASSETS):
        assert stats.kstest(standard[:, asset], law.cdf).pvalue > 1e-3
    # Kendall's tau of an elliptical law is (2 / pi) arcsin(rho); its standard error here is about 0.01.
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected = 2.0 / np.pi * np.arcsin(float(trailing.base_correlation[i, j]))
        assert abs(stats.kendalltau(standard[:, i], standard[:, j]).statistic - expected) < 0.045
    # One mixing variable for all: an extreme of one asset makes an extreme of an uncorrelated one likely.
    extreme = np.abs(standard) > np.quantile(np.abs(standard), 0.99, axis=0, keepdims=True)
    assert np.mean(extreme[extreme[:, 1], 2]) > 0.1
