"""Jumps: compensated, heavy, and extreme together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.teacher.jumps import JumpLaw, heavy_jumps, whitened_jumps
from tests.statistics import assert_mean

_STEPS = 40_000
_draw = jax.jit(lambda *inputs: whitened_jumps(*inputs, step_size=1.0))


def _law(intensity, scale, mean):
    return JumpLaw(*(jnp.full(_STEPS, value) for value in (intensity, scale, mean)))


@pytest.fixture(scope="module")
def direction():
    return jnp.broadcast_to(jnp.array([0.6, 0.8]), (_STEPS, 2))


def test_jumps_are_compensated(key, direction):
    """Every bar's mean is zero, although the mean mark is not; the count has the intensity asked for."""
    jumps, count = _draw(key, _law(0.5, 1.5, -0.8), direction, jnp.asarray(6.0))
    assert_mean(jumps, np.zeros(2))
    assert_mean(count, 0.5)
    # Var = rate (s^2 nu / (nu - 2) + m^2 h^2) per asset.
    assert_mean(np.asarray(jumps) ** 2, 0.5 * (1.5**2 * 1.5 + 0.64 * np.array([0.36, 0.64])))


def test_a_bar_without_jumps_holds_only_the_compensation(key, direction):
    jumps, count = _draw(key, _law(0.3, 1.0, -0.5), direction, jnp.asarray(4.0))
    quiet = np.asarray(count) == 0
    np.testing.assert_allclose(np.asarray(jumps)[quiet], np.tile([0.3 * 0.5 * 0.6, 0.3 * 0.5 * 0.8], (quiet.sum(), 1)))


def test_one_shared_mixing_variable_makes_extremes_joint(key, direction):
    """Uncorrelated t marks with nu = 2.5 have upper tail dependence 2 T(-sqrt(nu + 1)) = 0.16; independent ones 0."""
    law, freedom = _law(1.0, 1.0, 0.0), jnp.asarray(2.5)
    shared = np.asarray(_draw(key, law, direction, freedom)[0])
    alone = [np.asarray(_draw(stream(key, "alone", i), law, direction, freedom)[0])[:, i] for i in range(2)]

    def chi(first, second):
        extreme = first > np.quantile(first, 0.995)
        return np.mean(second[extreme] > np.quantile(second, 0.995))

    expected = 2.0 * stats.t(3.5).cdf(-np.sqrt(3.5))
    assert chi(*shared.T) > 0.5 * expected
    assert chi(*alone) < 0.04


def test_starting_values_are_met():
    jumps = heavy_jumps(jax.random.key(1), embedding_size=2, intensity_per_bar=0.07, scale=1.2, mean=-0.4)
    law = jumps.law(jnp.zeros(2, jnp.float32))
    np.testing.assert_allclose([law.intensity, law.scale, law.mean], [0.07, 1.2, -0.4], rtol=1e-5)
    np.testing.assert_allclose(jumps.degrees_of_freedom, 4.0, rtol=1e-5)
