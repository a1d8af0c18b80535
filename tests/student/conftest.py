"""One tiny student and its market, built once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.student import DSSM, Trailing, bind

ASSETS, FEATURES, BARS = 3, 4, 24


def random_network(seed, *, size=1.0):
    """A network whose every weight is random: nothing hides behind a small or zero starting value."""
    structure, weights = nnx.split(DSSM(FEATURES, hidden=8, latent=2, rngs=nnx.Rngs(seed)))
    leaves, tree = jax.tree.flatten(nnx.to_pure_dict(weights))
    rng = np.random.default_rng(seed)
    drawn = [jnp.asarray(size * rng.normal(0.0, 0.5, leaf.shape), leaf.dtype) for leaf in leaves]
    return nnx.merge(structure, jax.tree.unflatten(tree, drawn))


@pytest.fixture(scope="session")
def network():
    return random_network(1)


@pytest.fixture(scope="session")
def trailing():
    correlation = jnp.array([[1.0, 0.6, 0.2], [0.6, 1.0, -0.1], [0.2, -0.1, 1.0]])
    return Trailing(correlation, jnp.array([1e-4, 4e-4, 2.5e-5]))


@pytest.fixture(scope="session")
def student(network, trailing):
    return bind(network, trailing)


@pytest.fixture(scope="session")
def market(trailing):
    """Features and log returns of every bar."""
    rng = np.random.default_rng(2)
    features = jnp.asarray(rng.standard_normal((BARS, ASSETS, FEATURES)), jnp.float32)
    return features, jnp.asarray(rng.standard_t(4, (BARS, ASSETS))) * jnp.sqrt(trailing.base_variance)[None, :]


@jax.jit
def run(student, features, returns):
    """Step `student` through a market; the infos are stacked over bars."""

    def advance(state, bar):
        return student.step(state, *bar)

    return jax.lax.scan(advance, student.init(), (features, returns))


@pytest.fixture(scope="session")
def online(student, market):
    return run(student, *market)


def density(network, location, log_scale, standard, whitening):
    """Multivariate t with scale matrix D C D, C = (W'W)^-1 the trailing correlation."""
    scale = np.diag(np.exp(np.asarray(log_scale, float)))
    shape = scale @ np.linalg.inv(whitening.T @ whitening) @ scale
    law = stats.multivariate_t(np.asarray(location, float), shape, df=float(network.degrees_of_freedom))
    return law.logpdf(standard)
