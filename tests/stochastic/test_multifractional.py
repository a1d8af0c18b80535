"""Multifractional noise: coupled blocks have the covariance of one field, independent ones do not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gamma

from aurora_jax.stochastic import (
    fractional_covariance,
    multifractional_clipped_mass,
    multifractional_gaussian_noise,
)
from aurora_jax.stochastic.multifractional import colour_coupled
from tests.statistics import assert_mean

BLOCKS, BLOCK_STEPS = 3, 8
STEPS = BLOCKS * BLOCK_STEPS


def draw(key, hurst, coupled=True):
    return multifractional_gaussian_noise(key, hurst=hurst, block_steps=BLOCK_STEPS, step_size=0.25, coupled=coupled)


def sum_of_cubes(factor, key, exponents, coupled):
    return jnp.sum(draw(key, factor * exponents, coupled) ** 3)


coupled_batch = jax.jit(jax.vmap(draw, in_axes=(0, None)))
independent_batch = jax.jit(jax.vmap(lambda key, hurst: draw(key, hurst, coupled=False), in_axes=(0, None)))
coupled_cubes = jax.jit(jax.value_and_grad(functools.partial(sum_of_cubes, coupled=True)))
independent_cubes = jax.jit(jax.value_and_grad(functools.partial(sum_of_cubes, coupled=False)))
covariance = jax.jit(fractional_covariance)
loading = jax.jit(jax.jacfwd(lambda normals, hurst: colour_coupled(normals, hurst=hurst)))
clipped_mass = jax.jit(lambda hurst: multifractional_clipped_mass(hurst, block_steps=BLOCK_STEPS))
EXPONENTS = [[0.3, 0.1, 0.3], [0.6, 0.6, 0.6], [0.1, 0.2, 0.3], [0.3, 0.7, 0.5], [0.9, 0.95, 0.8]]


@pytest.mark.parametrize("exponents", EXPONENTS)
def test_coupled_covariance_is_exact_up_to_what_was_clipped(exponents):
    hurst = jnp.array(exponents)
    jacobian = loading(jnp.zeros((BLOCKS, 2 * STEPS)), hurst).reshape(STEPS, -1)
    error = jnp.abs(jacobian @ jacobian.T - covariance(jnp.repeat(hurst, BLOCK_STEPS)))
    assert jnp.max(error) < 1e-12 + BLOCKS * clipped_mass(hurst)
    assert clipped_mass(hurst) < 2e-4


@pytest.mark.parametrize("exponents", [*EXPONENTS, [0.05, 0.5, 0.95]])
def test_clipped_mass_against_the_whole_circulant_matrix(exponents):
    """The block circulant matrix itself, laid out in full, has the eigenvalues that the transform says."""
    circle = 2 * STEPS
    distance = np.arange(circle)
    distance = np.minimum(distance, circle - distance)
    hurst = np.array(exponents)
    power = (hurst[:, None] + hurst[None, :])[:, :, None]
    variance = gamma(2 * hurst + 1) * np.sin(np.pi * hurst)
    scale = np.sqrt(np.outer(variance, variance))[:, :, None] / (2 * gamma(power + 1) * np.sin(np.pi * power / 2))
    covariance = scale * (abs(distance - 1.0) ** power - 2 * distance**power + (distance + 1.0) ** power)
    whole = np.empty((BLOCKS, circle, BLOCKS, circle))
    for shift in range(circle):
        place = np.arange(circle)
        whole[:, place, :, (place + shift) % circle] = covariance[:, :, shift]
    values = np.linalg.eigvalsh(whole.reshape(BLOCKS * circle, BLOCKS * circle))
    expected = -np.sum(values[values < 0]) / np.sum(np.abs(values))
    np.testing.assert_allclose(clipped_mass(jnp.array(exponents)), expected, atol=1e-14, rtol=1e-6)


def test_some_embedding_is_clipped():
    assert clipped_mass(jnp.array([0.05, 0.5, 0.95])) > 1e-5


@pytest.mark.stat
def test_only_coupled_blocks_correlate_across_the_edge(key):
    hurst, keys = jnp.array([0.3, 0.1, 0.3]), jax.random.split(key, 4000)
    scale = 0.25 ** jnp.repeat(hurst, BLOCK_STEPS)
    edge = slice(BLOCK_STEPS - 1, BLOCK_STEPS + 1)
    for noise, correlation in [(coupled_batch, -0.29546), (independent_batch, 0.0)]:
        paths = np.asarray(noise(keys, hurst) / scale[None, :])
        assert_mean(paths**2, 1.0, sigmas=4.5)
        assert_mean(np.prod(paths[:, edge], axis=1), correlation)
        assert_mean(paths[:, 1] * paths[:, 0], -0.24214)
        assert_mean(paths[:, BLOCK_STEPS + 1] * paths[:, BLOCK_STEPS], -0.42565)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("exponents", [[0.05, 0.1, 0.3, 0.5, 0.7, 0.9], [0.9, 0.05, 0.5, 0.1, 0.7, 0.3]])
def test_draws_have_the_whole_covariance(key, exponents):
    """Every pair of steps, inside blocks and across all their edges, gently and in leaps."""
    hurst, block_steps = jnp.array(exponents), 4
    draws = jax.jit(jax.vmap(lambda k: multifractional_gaussian_noise(k, hurst=hurst, block_steps=block_steps)))
    paths = np.asarray(draws(jax.random.split(key, 40_000)))
    expected = np.asarray(covariance(jnp.repeat(hurst, block_steps)))
    products = paths[:, :, None] * paths[:, None, :]
    clipped = float(multifractional_clipped_mass(hurst, block_steps=block_steps))
    assert clipped < 2e-3
    assert_mean(products, expected, bias=len(exponents) * clipped)


@pytest.mark.slow
@pytest.mark.parametrize("exponents", [[0.3, 0.6, 0.4], [0.3, 0.3, 0.3], [0.3, 0.6, 0.3]])
@pytest.mark.parametrize("cubes", [coupled_cubes, independent_cubes])
def test_gradient_matches_finite_differences(key, cubes, exponents):
    """Also with equal exponents, where the root is singular: moving them together stays on its smooth side."""

    values = [cubes(factor, key, jnp.array(exponents)) for factor in (1.0 - 1e-5, 1.0, 1.0 + 1e-5)]
    (low, _), (_, slope), (high, _) = values
    np.testing.assert_allclose(slope, (high - low) / 2e-5, rtol=1e-5)


def test_arguments_are_checked(key):
    with pytest.raises(ValueError, match=r"hurst must lie in .*, was 1.5"):
        multifractional_gaussian_noise(key, hurst=jnp.array([0.3, 1.5]), block_steps=4)
    with pytest.raises(ValueError, match=r"block_steps must be at least 1, was 0"):
        multifractional_gaussian_noise(key, hurst=jnp.array([0.3]), block_steps=0)
    with pytest.raises(ValueError, match=r"number of blocks"):
        multifractional_gaussian_noise(key, hurst=jnp.zeros(0), block_steps=4)
