"""Tiny teachers in double precision, and Gaussian special cases of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from aurora_jax.teacher import initial_model
from aurora_jax.teacher.regime_map import unbounded

ASSETS = 2


def double(model):
    """Cast every parameter to double precision."""
    return jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_inexact_array(leaf) else leaf, model)


def build(seed=0, *, factors=1, dtype=jnp.float32):
    """A teacher whose regimes differ a little in everything."""
    return initial_model(
        jax.random.key(seed),
        mean_return=jnp.array([3e-4, 5e-4], dtype),
        covariance=jnp.array([[2.0e-4, 0.9e-4], [0.9e-4, 4.0e-4]], dtype),
        factors=factors,
        embedding_size=3,
        width=8,
    )


def with_flat(model, where, value):
    """Set a regime map to the same raw `value` in every regime."""

    def leaves(m):
        return where(m).weight, where(m).offset

    weight, offset = leaves(model)
    return eqx.tree_at(leaves, model, (jnp.zeros_like(weight), jnp.full_like(offset, value)))


def without_jumps(model):
    """The intensity underflows to (nearly) nothing."""
    silent = with_flat(model, lambda m: m.jumps.intensity, -200.0)
    return with_flat(silent, lambda m: m.jumps.response, -200.0)


def with_hurst(model, hurst):
    """The same Hurst exponent in every regime."""
    raw = float(unbounded(jnp.asarray(hurst), model.volatility.hurst_min, model.volatility.hurst_max))
    return with_flat(model, lambda m: m.volatility.roughness, raw)


@pytest.fixture(scope="session")
def model():
    return build()
