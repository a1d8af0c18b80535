"""The Mittag-Leffler function against the functions it generalises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erfcx, gamma

from aurora_jax.stochastic.reference.mittag_leffler import mittag_leffler

function = jax.jit(lambda z, order, second: mittag_leffler(z, order=order, second=second))


def at(z, order, second):
    return np.asarray(function(jnp.asarray(z), jnp.asarray(float(order)), jnp.asarray(float(second))))


def test_closed_forms():
    z = -np.array([0.0, 1e-6, 0.5, 3.0, 10.0])
    np.testing.assert_allclose(at(z, 1, 1), np.exp(z), atol=1e-10)
    np.testing.assert_allclose(at(z, 1, 2), np.where(z == 0, 1.0, np.expm1(z) / np.where(z == 0, 1, z)), atol=1e-10)
    small = -np.array([0.0, 1e-6, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(at(small, 0.5, 1), erfcx(-small), atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.51, 1.0), st.floats(0.5, 2.0), st.floats(0.0, 9.9))
def test_recurrence(order, second, root):
    """E_{a,b}(z) = 1 / Gamma(b) + z E_{a,a+b}(z)."""
    z = -(np.full(5, root) ** order)
    np.testing.assert_allclose(at(z, order, second), 1 / gamma(second) + z * at(z, order, order + second), atol=1e-10)


@pytest.mark.parametrize("wrong", [0.1, -10.1, float("nan")])
def test_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="Mittag-Leffler function must lie in"):
        mittag_leffler(jnp.array([-1.0, wrong]), order=jnp.asarray(1.0), second=jnp.asarray(1.0))
