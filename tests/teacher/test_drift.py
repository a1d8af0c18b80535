"""The drift keeps its promises for any parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
    level = np.asarray(drift.size * drift.level(embedding))
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


def test_bound_and_unit_are_settings_that_no_gradient_moves(drift):
    embedding, volatility = jnp.array([0.5, -1.0, 2.0]), jnp.array([0.1, -0.2, 0.3])
    slope = eqx.filter_grad(lambda d: jnp.sum(d(volatility, embedding)))(drift)
    assert not np.any(slope.network.bound)
    assert not np.any(slope.size)
    # A step of the level moves each price by that share of its own unit, a tenth of its deviation.
    np.testing.assert_allclose(slope.level.offset[:ASSETS], 0.1 * np.sqrt([2.0e-4, 4.0e-4]), rtol=1e-6)
