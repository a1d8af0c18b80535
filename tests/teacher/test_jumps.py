"""Marks and the law of jumps in each regime."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher.jumps import JumpLaw, correlated_marks, heavy_jumps
from tests.statistics import assert_mean


@pytest.mark.stat
def test_marks_have_the_covariance_of_the_contagion(key):
    """(1 - c) I + c d h h': its trace is d whatever c, and c = 0 leaves the normals alone."""
    steps, contagion = 50_000, 0.6
    direction = np.array([0.6, 0.0, 0.8])
    normal = jax.random.normal(key, (steps, 3))
    along = jnp.broadcast_to(jnp.asarray(direction), (steps, 3))
    marks = np.asarray(correlated_marks(normal, jnp.full(steps, contagion), along))
    expected = 0.4 * np.eye(3) + 1.8 * np.outer(direction, direction)
    assert_mean(marks[:, :, None] * marks[:, None, :], expected)
    np.testing.assert_allclose(correlated_marks(normal, jnp.zeros(steps), along), normal, rtol=1e-12)


def test_one_asset_knows_no_contagion(key):
    normal = jax.random.normal(key, (5, 1))
    marks = correlated_marks(normal, jnp.full(5, 0.7), jnp.ones((5, 1)))
    np.testing.assert_allclose(marks, normal, rtol=1e-12)


def test_the_state_raises_the_intensity_by_hand():
    law = JumpLaw(jnp.asarray(0.1), jnp.array([0.2, 0.4]), jnp.asarray(1.0), jnp.asarray(0.0), jnp.asarray(0.1))
    np.testing.assert_allclose(law.baseline(jnp.zeros(2)), 0.1 + 0.5 * 0.6, rtol=1e-12)
    expected = 0.1 + 0.2 / (1.0 + np.exp(-1.0)) + 0.4 / (1.0 + np.exp(2.0))
    np.testing.assert_allclose(law.baseline(jnp.array([1.0, -2.0])), expected, rtol=1e-12)
    assert float(law.baseline(jnp.array([50.0, 50.0]))) <= 0.7 + 1e-12


def test_starting_values_are_met():
    jumps = heavy_jumps(
        jax.random.key(1),
        factors=2,
        embedding_size=2,
        intensity_per_bar=0.07,
        response_per_bar=0.02,
        scale=1.2,
        mean=-0.4,
        contagion=0.3,
    )
    law = jumps.law(jnp.zeros(2, jnp.float32))
    np.testing.assert_allclose([law.intensity, law.scale, law.mean, law.contagion], [0.07, 1.2, -0.4, 0.3], rtol=1e-5)
    np.testing.assert_allclose(law.response, [0.02, 0.02], rtol=1e-5)
    np.testing.assert_allclose(jumps.degrees_of_freedom, 4.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"intensity_per_bar": 0.0}, "intensity_per_bar must be positive, was 0.0"),
        ({"response_per_bar": -1.0}, "response_per_bar must be positive, was -1.0"),
        ({"contagion": 1.0}, "contagion must lie in"),
    ],
)
def test_what_is_out_of_range_is_refused(start, message):
    with pytest.raises(ValueError, match=message):
        heavy_jumps(jax.random.key(0), factors=1, embedding_size=2, **start)
