"""Volterra noise and its Brownian motion: joint law against quadrature and the hypergeometric function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1

from aurora_jax.stochastic import volterra_noise
from aurora_jax.stochastic.volterra import volterra_covariance
from tests.statistics import assert_mean

STEPS = 16
noise = jax.jit(lambda key, hurst, step_size: volterra_noise(key, hurst=hurst, steps=STEPS, step_size=step_size))
batch = jax.jit(jax.vmap(lambda key, hurst: noise(key, hurst, 0.25), in_axes=(0, None)))
cubes = jax.jit(jax.value_and_grad(lambda hurst, key: jnp.sum(noise(key, hurst, 0.5)[1] ** 3)))
covariances = jax.jit(lambda hurst: volterra_covariance(hurst, steps=STEPS))


@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3, 0.499999, 0.5, 0.7, 0.95])
def test_covariance_against_scipy(hurst):
    covariance, _ = covariances(jnp.asarray(hurst))
    time = np.arange(1.0, STEPS + 1.0)
    later, earlier = np.maximum.outer(time, time), np.minimum.outer(time, time)
    series = hyp2f1(1.0, 0.5 - hurst, 1.5 + hurst, np.where(later > earlier, earlier / later, 0.0))
    closed = 2 * hurst / (hurst + 0.5) * earlier ** (hurst + 0.5) * later ** (hurst - 0.5) * series
    np.testing.assert_allclose(covariance, np.where(later > earlier, closed, time ** (2 * hurst)), rtol=1e-11)


@pytest.mark.parametrize("hurst", [0.1, 0.7])
def test_joint_law_by_quadrature(hurst):
    """From the definition, V_t = sqrt(2H) int (t - s)^(H - 1/2) dW_s."""
    covariance, loading = covariances(jnp.asarray(hurst))
    by_quadrature = quad(lambda s: (7.0 - s) ** (hurst - 0.5), 0, 3, weight="alg", wvar=(0, hurst - 0.5))[0]
    np.testing.assert_allclose(covariance[6, 2], 2 * hurst * by_quadrature, rtol=1e-9)
    for column in (0, 5, 6, 7):
        low, high = column, min(column + 1, 7)  # the integral of the kernel over that step, up to t = 7
        exact = np.sqrt(2 * hurst) * quad(lambda s: (7.0 - s) ** (hurst - 0.5), low, high)[0] if high > low else 0.0
        np.testing.assert_allclose(loading[6, column], exact, rtol=1e-7, atol=1e-15)


@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.07, 0.3, 0.5, 0.8])
def test_draws_have_the_joint_law(key, hurst):
    step_size = 0.25
    brownian, path = map(np.asarray, batch(jax.random.split(key, 4000), hurst))
    time = step_size * np.arange(1.0, STEPS + 1.0)
    assert_mean(path**2, time ** (2 * hurst))
    assert_mean(brownian**2, step_size)
    assert_mean(brownian[:, 1:] * brownian[:, :-1], 0.0)
    # E V_T W_T = sqrt(2H) / (H + 1/2) T^(H + 1/2)
    terminal = np.sqrt(2 * hurst) / (hurst + 0.5) * time[-1] ** (hurst + 0.5)
    assert_mean(path[:, -1] * np.sum(brownian, axis=1), terminal)
    assert_mean(path[:, 4] * brownian[:, 9], 0.0)  # no anticipation
    covariance, _ = covariances(jnp.asarray(hurst))
    assert_mean(path[:, 12] * path[:, 4], step_size ** (2 * hurst) * covariance[12, 4])


def test_half_is_the_brownian_motion_itself(key):
    brownian, path = noise(key, 0.5, 0.1)
    np.testing.assert_allclose(path, jnp.cumsum(brownian), atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.05, 0.45), st.floats(1e-3, 1e2))
def test_self_similar_draw_by_draw(hurst, step_size):
    (unit_brownian, unit), (brownian, path) = (noise(jax.random.key(3), hurst, h) for h in (1.0, step_size))
    np.testing.assert_allclose(brownian, step_size**0.5 * unit_brownian, rtol=1e-12)
    np.testing.assert_allclose(path, step_size**hurst * unit, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("hurst", [0.1, 0.3, 0.8])
def test_gradient_matches_finite_differences(key, hurst):
    (low, _), (_, slope), (high, _) = (cubes(hurst + shift, key) for shift in (-1e-5, 0.0, 1e-5))
    np.testing.assert_allclose(slope, (high - low) / 2e-5, rtol=1e-5)


def test_single_precision_follows_the_switch():
    with jax.enable_x64(False):
        brownian, path = jax.jit(lambda key: volterra_noise(key, hurst=0.1, steps=64))(jax.random.key(1))
        assert brownian.dtype == path.dtype == jnp.float32
        assert bool(jnp.all(jnp.isfinite(path)))


def test_arguments_are_checked(key):
    with pytest.raises(ValueError, match=r"hurst must lie in .*, was 1.0"):
        volterra_noise(key, hurst=1.0, steps=4)
    with pytest.raises(ValueError, match=r"steps must be at least 1, was 0"):
        volterra_noise(key, hurst=0.3, steps=0)
