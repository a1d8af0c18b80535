"""Laws of fractional noise that hold for every exponent, read off the whole covariance instead of from samples.

Noise is a linear map of independent normals, so the map's Jacobian J gives the covariance J J' without sampling error.
"""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic.fractional import colour
from aurora_jax.stochastic.multifractional import colour_coupled

STEPS, BLOCKS = 16, 2
exponents = st.floats(0.02, 0.98)


@jax.jit
@jax.jacfwd
def fractional_loading(normals, hurst):
    return colour((normals[:STEPS], normals[STEPS:]), hurst=hurst)


@jax.jit
@jax.jacfwd
def multifractional_loading(normals, hurst):
    return colour_coupled(normals, hurst=hurst)


def fractional_covariance(hurst):
    loading = np.asarray(fractional_loading(jnp.zeros(2 * STEPS), jnp.asarray(hurst)))
    return loading @ loading.T


def multifractional_covariance(hurst):
    loading = multifractional_loading(jnp.zeros((BLOCKS, 2 * STEPS)), jnp.asarray(hurst))
    loading = np.asarray(loading).reshape(STEPS, -1)
    return loading @ loading.T


@settings(max_examples=25, deadline=None)
@given(exponents)
def test_increments_are_stationary(hurst):
    covariance = fractional_covariance(hurst)
    for lag in range(STEPS):
        np.testing.assert_allclose(np.diagonal(covariance, lag), covariance[0, lag], atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(exponents)
def test_sums_of_steps_are_steps_of_a_longer_time(hurst):
    """Self-similarity: two steps together are one of twice the length, 2^(2H) times the covariance."""
    pairs = np.kron(np.eye(STEPS // 2), np.ones((1, 2)))
    summed = pairs @ fractional_covariance(hurst) @ pairs.T
    half = fractional_covariance(hurst)[: STEPS // 2, : STEPS // 2]
    np.testing.assert_allclose(summed, 2.0 ** (2.0 * hurst) * half, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(exponents)
def test_a_path_has_the_variance_of_its_time(hurst):
    path = np.tril(np.ones((STEPS, STEPS))) @ fractional_covariance(hurst) @ np.triu(np.ones((STEPS, STEPS)))
    np.testing.assert_allclose(np.diagonal(path), np.arange(1.0, STEPS + 1) ** (2.0 * hurst), rtol=1e-10)


def test_half_reduces_to_brownian_motion():
    np.testing.assert_allclose(fractional_covariance(0.5), np.eye(STEPS), atol=1e-14)
    np.testing.assert_allclose(multifractional_covariance([0.5, 0.5]), np.eye(STEPS), atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(exponents)
def test_equal_exponents_reduce_multifractional_to_fractional(hurst):
    """To 1e-7: of a singular matrix, rounding of 1e-16 is a root of 1e-8."""
    np.testing.assert_allclose(multifractional_covariance([hurst, hurst]), fractional_covariance(hurst), atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(exponents, exponents)
def test_time_may_be_read_backwards(first, second):
    """The coupled blocks come from a field whose law does not know the direction of time."""
    forwards = multifractional_covariance([first, second])
    backwards = multifractional_covariance([second, first])
    np.testing.assert_allclose(forwards, backwards[::-1, ::-1], atol=1e-7)
