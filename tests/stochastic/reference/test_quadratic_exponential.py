"""Andersen's draw: mean, variance and exponential moment by quadrature over its normal, in both branches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.stochastic.reference.quadratic_exponential import log_moment, quadratic_exponential

# A fine midpoint rule over the uniform that stands behind the normal; the exponential branch has a corner.
UNIFORM = (np.arange(400_000) + 0.5) / 400_000
NORMALS = jax.scipy.special.ndtri(jnp.asarray(UNIFORM))
drawn = jax.jit(jax.vmap(quadratic_exponential, in_axes=(0, None, None)))
moment = jax.jit(log_moment)


@pytest.mark.parametrize(
    ("mean", "variance"), [(0.04, 1e-5), (0.04, 0.0016), (0.04, 0.0023), (0.04, 0.0025), (0.01, 0.0012)]
)
def test_moments_are_those_asked_for(mean, variance):
    values = np.asarray(drawn(NORMALS, jnp.asarray(mean), jnp.asarray(variance)))
    assert np.all(values >= 0.0)
    assert np.all(np.diff(values) >= 0.0) or variance < 1.5 * mean**2
    np.testing.assert_allclose(np.mean(values), mean, rtol=1e-4)
    np.testing.assert_allclose(np.var(values), variance, rtol=2e-3)
    for argument in (-60.0, -1.0, 5.0):
        direct = np.log(np.mean(np.exp(argument * values)))
        log_of_mean = moment(jnp.asarray(argument), jnp.asarray(mean), jnp.asarray(variance))
        np.testing.assert_allclose(log_of_mean, direct, rtol=1e-3, atol=1e-6)


def test_mass_at_zero_by_hand():
    # psi = 3: p = (3 - 1) / (3 + 1) = 1/2 and a mean of .02 over the other half: rate 1 / .04 / ... = .5 / .02
    values = np.asarray(drawn(NORMALS, jnp.asarray(0.02), jnp.asarray(0.0012)))
    np.testing.assert_allclose(np.mean(values == 0.0), 0.5, atol=1e-5)
    median_of_positive = np.log(2.0) / 25.0
    np.testing.assert_allclose(values[300_000], median_of_positive, rtol=1e-4)


def test_no_variance_is_the_mean():
    np.testing.assert_allclose(drawn(NORMALS[::50_000], jnp.asarray(0.3), jnp.asarray(0.0)), 0.3, rtol=1e-5)


@pytest.mark.parametrize(("variance", "edge"), [(0.0012, 25.0), (0.0002, None)])
def test_an_infinite_moment_is_said(variance, edge):
    mean = jnp.asarray(0.02)
    if edge is None:
        # psi = 1/2: b^2 = 3 + sqrt(12), a = .02 / (1 + b^2), finite below 1 / (2 a)
        edge = (4.0 + np.sqrt(12.0)) / 0.04
    assert np.isfinite(moment(jnp.asarray(0.999 * edge), mean, jnp.asarray(variance)))
    assert np.isposinf(moment(jnp.asarray(1.001 * edge), mean, jnp.asarray(variance)))
