"""The logarithm of Bessel's K against scipy, on both sides of the underflow that it is there to avoid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from aurora_jax.stochastic.bessel import log_bessel_k

ORDERS = np.array([0.0, 1e-8, 0.1, 0.5, 1.0, 2.5, 10.0, 100.0])
SIZES = np.geomspace(1e-12, 1e5, 35)
log_k = jax.jit(log_bessel_k)
slopes = jax.jit(jax.vmap(jax.grad(log_bessel_k, argnums=(0, 1))))


def test_against_scipy():
    order, z = (grid.ravel() for grid in np.meshgrid(ORDERS, SIZES))
    with np.errstate(over="ignore"):
        scaled = special.kve(order, z)
    finite = np.isfinite(scaled)
    np.testing.assert_allclose(np.asarray(log_k(order, z))[finite], (np.log(scaled) - z)[finite], rtol=0, atol=1e-11)


def test_complex_arguments_against_scipy():
    z = SIZES * np.exp(0.8j)
    for order in (0.25, 1.0, 3.5):
        ours = np.exp(np.asarray(log_k(np.full(z.shape, order), z)) + z)
        np.testing.assert_allclose(ours, special.kve(order, z), rtol=1e-10)


def test_half_an_order_is_elementary():
    """K_{1/2}(z) = sqrt(pi / (2 z)) exp(-z), far beyond where its value underflows; and K is even in the order."""
    z = jnp.array([1e-9, 1.0, 1e4, 1e6])
    closed = 0.5 * np.log(np.pi / (2.0 * z)) - z
    np.testing.assert_allclose(log_k(np.full(4, 0.5), z), closed, rtol=1e-13)
    np.testing.assert_allclose(log_k(jnp.full(4, -0.5), z), closed, rtol=1e-13)


def test_large_orders_and_small_arguments_follow_the_limit():
    """K_v(z) ~ Gamma(v) (2 / z)^v / 2 as z -> 0, where the value itself overflows."""
    order = np.array([100.0, 1000.0])
    limit = special.gammaln(order) + order * np.log(2.0 / 1e-10) - np.log(2.0)
    np.testing.assert_allclose(log_k(order, np.full(2, 1e-10)), limit, rtol=1e-13)


def test_derivatives():
    """In z by the recurrence K_v' = -(K_{v-1} + K_{v+1}) / 2, in the order by differences of scipy's values."""
    order, z = np.array([0.3, 1.0, 7.0]), np.array([0.01, 2.0, 30.0])
    by_order, by_size = slopes(order, z)
    k, below, above = (special.kve(order + shift, z) for shift in (0.0, -1.0, 1.0))
    np.testing.assert_allclose(by_size, -0.5 * (below + above) / k, rtol=1e-11)
    difference = np.log(special.kve(order + 1e-5, z) / special.kve(order - 1e-5, z)) / 2e-5
    np.testing.assert_allclose(by_order, difference, rtol=1e-6)
    np.testing.assert_allclose(slopes(np.zeros(3), z)[0], 0.0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("order", [0.0, 1.0])
def test_single_precision(order):
    z = np.array([1e-3, 1.0, 50.0], np.float32)
    ours = log_bessel_k(jnp.full(3, order, np.float32), jnp.asarray(z))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, np.log(special.kve(order, z.astype(float))) - z, rtol=1e-5)
