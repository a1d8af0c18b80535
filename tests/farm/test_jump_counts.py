"""How often and how clustered: by hand, and on laws with known numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.farm.jump_counts import jump_dispersion, jump_rate
from tests.statistics import assert_mean


def test_by_hand():
    """Three windows of 32 bars with 2, 0 and 4 jumps, and a rest that is left out of the dispersion alone."""
    jumps = jnp.zeros(100, int).at[jnp.array([0, 5, 70, 71, 72, 73])].set(1)
    assert float(jump_rate(jumps).value) == pytest.approx(0.06)
    assert float(jump_dispersion(jumps).value) == pytest.approx(4.0 / 2.0)


@pytest.mark.stat
def test_independent_jumps_have_dispersion_one_and_honest_errors(key):
    jumps = jax.random.poisson(key, 0.3, (500, 1024))
    rate, dispersion = jax.jit(lambda j: (jax.vmap(jump_rate)(j), jax.vmap(jump_dispersion)(j)))(jumps)
    assert_mean(rate.value, 0.3)
    assert_mean(dispersion.value, 1.0)
    np.testing.assert_allclose(np.std(rate.value), np.mean(rate.standard_error), rtol=0.1)
    np.testing.assert_allclose(np.std(dispersion.value), np.mean(dispersion.standard_error), rtol=0.15)


def test_what_cannot_be_told_has_its_reason():
    assert int(jump_dispersion(jnp.zeros(64, int)).outcome) == Outcome.CONSTANT
    assert int(jump_rate(jnp.zeros(40, int)).outcome) == Outcome.TOO_SHORT
    assert int(jump_rate(jnp.zeros(64, int)).outcome) == Outcome.OK
