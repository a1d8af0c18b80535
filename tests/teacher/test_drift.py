"""Drift and diffusion keep their promises for any parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher.drift import PriceDiffusion, price_diffusion
from aurora_jax.teacher.regime_map import RegimeMap
from tests.teacher.conftest import ASSETS, build, double

_FACTORS = 3


@pytest.fixture(scope="module")
def drift():
    return double(build(4, factors=_FACTORS)).drift


def _random(tree, seed, size):
    """Replace every parameter by a normal draw of standard deviation `size`."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: (
            jnp.asarray(size * rng.standard_normal(leaf.shape), leaf.dtype) if eqx.is_inexact_array(leaf) else leaf
        ),
        tree,
    )


def test_every_factor_reverts_whatever_the_parameters(drift):
    """The symmetric part is -(L L' + delta I), so no real part is above -delta = -0.001."""
    reversion = jax.jit(lambda drift, z: drift.reversion(z))
    rotating = 0
    for seed in range(30):
        random = _random(drift, seed, [0.01, 1.0, 10.0][seed % 3])
        matrix = np.asarray(reversion(random, jnp.asarray(np.random.default_rng(seed).standard_normal(3))))
        eigenvalues = np.linalg.eigvals(matrix)
        assert np.max(eigenvalues.real) <= -1e-3 + 1e-9 * np.max(np.abs(matrix))
        rotating += np.any(np.abs(eigenvalues.imag) > 1e-6)
    assert rotating > 5


def test_drift_by_hand(drift):
    """Linear part on the factors only, plus the level; the network is silenced."""
    drift = eqx.tree_at(lambda d: d.network.bound, drift, jnp.zeros(ASSETS + _FACTORS))
    embedding, volatility = jnp.array([0.5, -1.0, 2.0]), jnp.array([0.1, -0.2, 0.3])
    found = np.asarray(drift(volatility, embedding))
    level = np.asarray(drift.level(embedding))
    np.testing.assert_allclose(found[:ASSETS], [3e-4, 5e-4], rtol=1e-6)
    expected = np.asarray(drift.reversion(embedding)) @ np.asarray(volatility)
    np.testing.assert_allclose(found[ASSETS:], expected + level[ASSETS:], rtol=1e-12)


def test_the_network_never_exceeds_its_bound(drift):
    random = _random(drift.network, 5, 30.0)
    bound = jnp.arange(1.0, ASSETS + _FACTORS + 1.0)
    random = eqx.tree_at(lambda n: n.bound, random, bound)
    out = np.abs(random(100.0 * jnp.ones(_FACTORS + 3)))
    assert np.all(out <= bound)
    assert np.any(out > 0.5 * bound)


def test_diffusion_starts_at_the_covariance(model):
    lower = double(model).diffusion(jnp.zeros(3))
    np.testing.assert_allclose(lower @ lower.T, [[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]], rtol=1e-4)


@pytest.mark.parametrize("size", [0.1, 3.0, 100.0])
def test_diffusion_stays_between_floor_and_ceiling(size):
    """The floor holds as long as the ceiling does not bind; the ceiling holds always."""
    start = price_diffusion(jax.random.key(1), jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]]), embedding_size=3)
    ceiling_hit = False
    for seed in range(10):
        random = _random(start, seed, size)
        lower = np.asarray(random(jnp.ones(3)))
        np.testing.assert_array_equal(np.triu(lower, 1), 0.0)
        norm = np.linalg.norm(lower, 2)
        assert norm <= random.ceiling * (1.0 + 1e-12)
        if np.linalg.norm(lower) < random.ceiling * (1.0 - 1e-9):
            assert np.min(np.diag(lower)) >= random.floor
        else:
            ceiling_hit = True
        assert np.min(np.diag(lower)) > 0.0
    assert ceiling_hit == (size == 100.0)


def test_floor_and_ceiling_must_be_in_order():
    flat = RegimeMap(jnp.zeros((3, 3)), jnp.zeros(3))
    for floor, ceiling in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match=f"were {floor} and {ceiling}"):
            PriceDiffusion(flat, floor, ceiling, ASSETS)


def test_a_singular_covariance_is_refused():
    from aurora_jax.teacher import initial_model

    with pytest.raises(ValueError, match="positive definite"):
        initial_model(jax.random.key(0), mean_return=jnp.zeros(2), covariance=jnp.ones((2, 2)))
