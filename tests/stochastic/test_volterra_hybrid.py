"""The hybrid scheme against the exact covariance, which its own test proves by quadrature and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic import hybrid_volterra_noise, volterra_noise
from aurora_jax.stochastic.volterra import volterra_covariance
from aurora_jax.stochastic.volterra_hybrid import colour_hybrid, convolved
from tests.statistics import assert_mean

STEPS = 24
noise = jax.jit(lambda key, hurst, step_size: hybrid_volterra_noise(key, hurst=hurst, steps=STEPS, step_size=step_size))
exact_law = jax.jit(lambda hurst: volterra_covariance(hurst, steps=STEPS))
cubes = jax.jit(jax.value_and_grad(lambda hurst, key: jnp.sum(noise(key, hurst, 0.5)[1] ** 3)))


@jax.jit
def laws(hurst):
    """Return the loading on W's steps, and for each number of exact cells the covariance: the map is linear."""

    def law(cells):
        from_brownian, from_residual = jax.jacfwd(lambda w, r: colour_hybrid(w, r, hurst=hurst), (0, 1))(
            jnp.zeros(STEPS), jnp.zeros((STEPS, cells))
        )
        residual = from_residual.reshape(STEPS, -1)
        return from_brownian, from_brownian @ from_brownian.T + residual @ residual.T

    return {cells: law(cells) for cells in (1, 2, STEPS)}


@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.2, 0.3, 0.45, 0.5])
def test_law_is_exact_but_for_the_stated_bias(hurst):
    covariance, loading = map(np.asarray, exact_law(jnp.asarray(hurst)))
    by_cells = laws(jnp.asarray(hurst))
    for cells, variance_bias, covariance_bias in ((1, 0.0018, 0.0125), (2, 0.0007, 0.006), (STEPS, 1e-9, 1e-9)):
        own_loading, own = map(np.asarray, by_cells[cells])
        np.testing.assert_allclose(own_loading, loading, atol=1e-12)
        missing = covariance - own
        assert np.all(missing > -1e-9)  # a projection only loses
        assert np.max(np.diag(missing)) <= variance_bias
        assert np.max(missing) <= covariance_bias
        assert np.max(np.abs(missing[:cells, :cells])) < 1e-9
    np.testing.assert_allclose(np.diag(covariance), np.arange(1.0, STEPS + 1) ** (2 * hurst), rtol=1e-12)


@pytest.mark.parametrize("hurst", [0.7, 0.9])
def test_bias_is_small_for_smooth_noise_too(hurst):
    covariance, _ = map(np.asarray, exact_law(jnp.asarray(hurst)))
    by_cells = laws(jnp.asarray(hurst))
    for cells, share in ((1, 0.032), (2, 0.019), (STEPS, 1e-10)):
        assert np.max(np.abs(covariance - by_cells[cells][1]) / covariance) <= share


def test_without_a_residual_it_is_the_textbook_sum(key):
    """A slow twin: each cell's kernel integrated, times its Brownian step."""
    brownian, hurst = np.asarray(jax.random.normal(key, (STEPS,))), 0.1
    path = jax.jit(colour_hybrid)(jnp.asarray(brownian), jnp.zeros((STEPS, 2)), hurst=jnp.asarray(hurst))
    for i in range(1, STEPS + 1):
        weights = [((i - j + 1) ** (hurst + 0.5) - (i - j) ** (hurst + 0.5)) / (hurst + 0.5) for j in range(1, i + 1)]
        np.testing.assert_allclose(path[i - 1], np.sqrt(2 * hurst) * np.dot(weights, brownian[:i]), atol=1e-12)


def test_convolution_by_hand():
    both = jax.jit(convolved)(jnp.array([1.0, 2.0, -1.0]), jnp.array([3.0, 0.5, 10.0]))
    np.testing.assert_allclose(both, [3.0, 6.5, 8.0], atol=1e-12)  # 10 + 1 - 3


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.07, 0.3])
def test_draws_have_the_joint_law(key, hurst):
    draw = jax.jit(jax.vmap(lambda k: noise(k, hurst, 0.25)))
    brownian, path = map(np.asarray, draw(jax.random.split(key, 4000)))
    time = 0.25 * np.arange(1.0, STEPS + 1.0)
    assert_mean(path**2, time ** (2 * hurst), bias=0.0007 * 0.25 ** (2 * hurst))
    assert_mean(brownian**2, 0.25)
    terminal = np.sqrt(2 * hurst) / (hurst + 0.5) * time[-1] ** (hurst + 0.5)
    assert_mean(path[:, -1] * np.sum(brownian, axis=1), terminal)
    assert_mean(path[:, 4] * brownian[:, 9], 0.0)  # no anticipation


def test_half_is_the_brownian_motion_itself(key):
    brownian, path = noise(key, 0.5, 0.1)
    np.testing.assert_allclose(path, jnp.cumsum(brownian), atol=1e-6)


def test_a_single_step_is_the_exact_draw(key):
    both = jax.jit(lambda key: [draw(key, hurst=0.2, steps=1) for draw in (hybrid_volterra_noise, volterra_noise)])
    hybrid, exact = both(key)
    np.testing.assert_allclose(hybrid[0], exact[0], rtol=1e-12)
    np.testing.assert_allclose(hybrid[1], exact[1], rtol=1e-12)


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
        brownian, path = jax.jit(lambda key: hybrid_volterra_noise(key, hurst=0.1, steps=64))(jax.random.key(1))
        assert brownian.dtype == path.dtype == jnp.float32
        assert bool(jnp.all(jnp.isfinite(path)))


def test_arguments_are_checked(key):
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match=rf"hurst must lie in .*, was {wrong}"):
            hybrid_volterra_noise(key, hurst=wrong, steps=4)
    with pytest.raises(ValueError, match="steps must be at least 1, was 0"):
        hybrid_volterra_noise(key, hurst=0.3, steps=0)
    with pytest.raises(ValueError, match="exact_cells must be at least 1, was 0"):
        hybrid_volterra_noise(key, hurst=0.3, steps=4, exact_cells=0)
    with pytest.raises(ValueError, match="step_size must lie in"):
        hybrid_volterra_noise(key, hurst=0.3, steps=4, step_size=0.0)
