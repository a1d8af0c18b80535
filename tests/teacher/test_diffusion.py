"""The diffusion keeps its bounds for any parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import initial_model
from aurora_jax.teacher.diffusion import log_scale, price_diffusion
from tests.teacher.conftest import double

_COVARIANCE = jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]])


def test_it_starts_at_the_covariance(model):
    lower = double(model).diffusion(jnp.zeros(3))
    np.testing.assert_allclose(lower @ lower.T, _COVARIANCE, rtol=1e-4)


@pytest.mark.parametrize("size", [0.1, 1.0, 1000.0])
def test_singular_values_stay_between_floor_and_ceiling(size):
    """Whatever the parameters; the ceiling is reached where they are large."""
    start = price_diffusion(jax.random.key(1), _COVARIANCE, embedding_size=3)
    reached = False
    for seed in range(10):
        rng = np.random.default_rng(seed)
        factor = jax.tree.map(lambda leaf, rng=rng: jnp.asarray(size * rng.standard_normal(leaf.shape)), start.factor)
        random = eqx.tree_at(lambda d: d.factor, start, factor)
        lower = np.asarray(random(jnp.ones(3)))
        np.testing.assert_array_equal(np.triu(lower, 1), 0.0)
        values = np.linalg.svd(lower, compute_uv=False)
        assert values[0] <= float(start.ceiling) * (1.0 + 1e-9)
        assert values[-1] >= float(start.floor) * (1.0 - 1e-9)
        assert np.min(np.diag(lower)) > 0.0
        reached |= bool(values[0] > float(start.ceiling) * (1.0 - 1e-6))
    assert reached == (size == 1000.0)


def test_the_norm_is_the_exact_one():
    """Just below the ceiling nothing is clipped, although the Frobenius norm is above it."""
    start = price_diffusion(jax.random.key(1), jnp.eye(2), embedding_size=1)
    floor, ceiling, unit = float(start.floor), float(start.ceiling), float(start.size)
    size = 0.95 * np.sqrt(ceiling**2 - floor**2) / unit
    raw = jnp.array([np.log(np.expm1(size)), np.log(np.expm1(size)), 0.0])
    both = eqx.tree_at(lambda d: (d.factor.weight, d.factor.offset), start, (jnp.zeros((3, 1)), raw))
    lower = np.asarray(both(jnp.zeros(1)))
    np.testing.assert_allclose(lower, np.sqrt(floor**2 + (unit * size) ** 2) * np.eye(2), rtol=1e-9)
    assert np.linalg.norm(lower) > ceiling


def test_a_singular_covariance_is_refused():
    with pytest.raises(ValueError, match="positive definite"):
        initial_model(jax.random.key(0), mean_return=jnp.zeros(2), covariance=jnp.ones((2, 2)))


def test_the_factors_scale_it_by_at_most_four_logarithms():
    found = log_scale(jnp.array([[1.0, 2.0], [3.0, 2.0], [-9.0, 1.0]]))
    np.testing.assert_array_equal(found, [3.0, 4.0, -4.0])
