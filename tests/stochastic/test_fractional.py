"""Fractional Gaussian noise: exact covariance, scaling, gradient, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import toeplitz

from aurora_jax.core import stream
from aurora_jax.stochastic import fractional_gaussian_noise
from aurora_jax.stochastic.counter_random import normal_pair
from aurora_jax.stochastic.domain import at_least
from aurora_jax.stochastic.fractional import colour
from tests.statistics import assert_mean

STEPS = 32
noise = jax.jit(
    lambda key, hurst, step_size: fractional_gaussian_noise(key, hurst=hurst, steps=STEPS, step_size=step_size)
)
batch = jax.jit(jax.vmap(lambda key, hurst: noise(key, hurst, 1.0)))
cubes = jax.jit(jax.value_and_grad(lambda hurst, key: jnp.sum(noise(key, hurst, 0.5) ** 3)))
loading = jax.jit(jax.jacfwd(lambda normals, hurst: colour((normals[:STEPS], normals[STEPS:]), hurst=hurst)))


@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_covariance_is_exact(hurst):
    """The map from normals to noise is linear, so its Jacobian gives the whole covariance without sampling."""
    jacobian = loading(jnp.zeros(2 * STEPS), jnp.asarray(hurst))
    lag = np.arange(STEPS)
    closed = 0.5 * (abs(lag - 1.0) ** (2 * hurst) - 2.0 * lag ** (2 * hurst) + (lag + 1.0) ** (2 * hurst))
    np.testing.assert_allclose(jacobian @ jacobian.T, toeplitz(closed), atol=1e-12)


@pytest.mark.stat
@pytest.mark.parametrize(
    ("hurst", "correlation"),
    [(0.05, -0.46411), (0.1, -0.42565), (0.3, -0.24214), (0.5, 0.0), (0.7, 0.31951), (0.9, 0.74110)],
)
def test_draws_have_the_printed_correlation(key, hurst, correlation):
    paths = np.asarray(batch(jax.random.split(stream(key, "paths"), 4000), jnp.full(4000, hurst)))
    assert_mean(np.mean(paths**2, axis=1), 1.0)
    assert_mean(np.mean(paths[:, 1:] * paths[:, :-1], axis=1), correlation)
    assert_mean(paths[:, -1] * paths[:, 0], 0.5 * (30 ** (2 * hurst) - 2 * 31 ** (2 * hurst) + 32 ** (2 * hurst)))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(1e-3, 1e3))
def test_self_similar_draw_by_draw(hurst, step_size):
    key = jax.random.key(5)
    np.testing.assert_allclose(noise(key, hurst, step_size), step_size**hurst * noise(key, hurst, 1.0), rtol=1e-12)


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.8])
def test_gradient_matches_finite_differences(key, hurst):
    (low, _), (_, slope), (high, _) = (cubes(hurst + shift, key) for shift in (-1e-5, 0.0, 1e-5))
    np.testing.assert_allclose(slope, (high - low) / 2e-5, rtol=1e-6)


def test_vmap_over_exponents_is_the_loop(key):
    keys, exponents = jax.random.split(key, 4000), jnp.linspace(0.1, 0.9, 4000)
    together = batch(keys, exponents)
    for place in (0, 2000, 3999):
        np.testing.assert_allclose(together[place], noise(keys[place], exponents[place], 1.0), rtol=1e-9)


def test_one_step_by_hand(key):
    one = jax.jit(lambda key: fractional_gaussian_noise(key, hurst=0.3, steps=1, step_size=4.0))(key)
    # A circle of two with eigenvalues 1 + rho and 1 - rho, rho = 2**-.4 - 1, and two normals.
    (first,), (second,) = normal_pair(key, 1)
    rho = 2**-0.4 - 1
    by_hand = 4**0.3 * ((1 + rho) ** 0.5 * first + (1 - rho) ** 0.5 * second) / 2**0.5
    np.testing.assert_allclose(one, by_hand, rtol=1e-12)


def test_single_precision_follows_the_switch():
    with jax.enable_x64(False):
        path = jax.jit(lambda key: fractional_gaussian_noise(key, hurst=0.3, steps=8))(jax.random.key(1))
        assert path.dtype == jnp.float32
        assert bool(jnp.all(jnp.isfinite(path)))


@pytest.mark.parametrize("wrong", [0, 1, 1.2, np.float32(-0.5), float("nan")])
def test_known_exponent_is_refused_at_once(key, wrong):
    with pytest.raises(ValueError, match=r"hurst must lie in"):
        fractional_gaussian_noise(key, hurst=wrong, steps=4)


def test_traced_exponent_is_refused_at_run_time(key):
    with pytest.raises((RuntimeError, ValueError), match=r"hurst must lie in"):
        noise(key, 1.2, 1.0)


def test_steps_and_step_size_are_checked(key):
    with pytest.raises(ValueError, match=r"steps must be at least 1, was 0"):
        fractional_gaussian_noise(key, hurst=0.3, steps=0)
    with pytest.raises(ValueError, match=r"steps must be a whole number, was 4\.5"):
        at_least("steps", 4.5, 1)  # a float that gets past the types
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was -1"):
        fractional_gaussian_noise(key, hurst=0.3, steps=4, step_size=-1)
