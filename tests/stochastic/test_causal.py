"""Causal fractional noise: the right law, and nothing from the future."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.stochastic import causal_factor, causal_fractional_noise, fractional_covariance

STEPS = 48
HURST = jnp.repeat(jnp.array([0.05, 0.3, 0.9]), STEPS // 3)
noise = jax.jit(lambda innovations, hurst: causal_fractional_noise(innovations, hurst=hurst, step_size=0.25))
covariance = jax.jit(lambda hurst: fractional_covariance(hurst, step_size=0.25))
loading = jax.jit(jax.jacfwd(noise))


@pytest.mark.parametrize("hurst", [HURST, HURST[::-1], jnp.full(STEPS, 0.1), jnp.full(STEPS, 0.9)])
def test_covariance_is_exact_and_causal(hurst):
    jacobian = np.asarray(loading(jnp.zeros(STEPS), hurst))
    np.testing.assert_allclose(jacobian @ jacobian.T, covariance(hurst), atol=1e-13)
    assert np.all(np.triu(jacobian, 1) == 0.0)


def test_the_past_does_not_feel_the_future(key):
    innovations = jax.random.normal(key, (STEPS,))
    changed = innovations.at[20].add(1.0)
    before, after = noise(innovations, HURST), noise(changed, HURST)
    np.testing.assert_array_equal(before[:20], after[:20])
    assert np.all(before[20:] != after[20:])


def test_two_steps_by_hand():
    # Unit steps, H = .9: correlation r = 2**.8 - 1 = .7411011266, hence (1, r * 1 + sqrt(1 - r**2) * 2).
    # The first two of 48 steps of .25, each .25**.9 times as large.
    result = noise(jnp.zeros(STEPS).at[:2].set(jnp.array([1.0, 2.0])), jnp.full(STEPS, 0.9))[:2]
    np.testing.assert_allclose(result / 0.25**0.9, [1.0, 0.7411011266 + 2.0 * 0.45076912**0.5], rtol=1e-8)


def test_half_returns_the_scaled_innovations(key):
    innovations = jax.random.normal(key, (STEPS,))
    np.testing.assert_allclose(noise(innovations, jnp.full(STEPS, 0.5)), 0.5 * innovations, rtol=1e-12)


def test_gradient_matches_finite_differences(key):
    innovations = jax.random.normal(key, (STEPS,))

    cubes = jax.jit(jax.value_and_grad(lambda shift: jnp.sum(noise(innovations, 0.9 * HURST + shift) ** 3)))
    (low, _), (_, slope), (high, _) = (cubes(0.05 + shift) for shift in (-1e-5, 0.0, 1e-5))
    np.testing.assert_allclose(slope, (high - low) / 2e-5, rtol=1e-6)


def test_single_precision_stays_definite():
    with jax.enable_x64(False):
        factor = jax.jit(causal_factor)(jnp.repeat(jnp.array([0.05, 0.95], jnp.float32), 64))
        assert factor.dtype == jnp.float32
        assert bool(jnp.all(jnp.isfinite(factor)))


def test_traced_exponent_is_refused_at_run_time():
    with pytest.raises((RuntimeError, ValueError), match=r"hurst must lie in"):
        noise(jnp.zeros(STEPS), jnp.full(STEPS, 1.0))
