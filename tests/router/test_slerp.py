"""Spherical interpolation against the geometry it stands for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.router import slerp

_along = jax.jit(slerp)
_coordinate = st.floats(-3.0, 3.0, allow_subnormal=False)
_vector = st.lists(_coordinate, min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1)


def test_quarter_turn_by_hand():
    """Halfway from (2, 0) to (0, 4): 45 degrees, and norm 3."""
    middle = _along(jnp.array([2.0, 0.0]), jnp.array([0.0, 4.0]), 0.5)
    np.testing.assert_allclose(middle, 3.0 * np.array([1.0, 1.0]) / np.sqrt(2.0), rtol=1e-12)


def test_a_third_of_the_way_turns_a_third_of_the_angle():
    third = _along(jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0]), 1.0 / 3.0)
    np.testing.assert_allclose(third, [np.cos(np.pi / 6), np.sin(np.pi / 6)], rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(_vector, _vector, st.floats(0.0, 1.0))
def test_ends_norm_and_plane(start, end, share):
    """The ends are met; off the straight-line fallback the norm is linear in s."""
    start, end = jnp.array(start), jnp.array(end)
    np.testing.assert_allclose(_along(start, end, 0.0), start, atol=1e-9)
    np.testing.assert_allclose(_along(start, end, 1.0), end, atol=1e-9)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if np.linalg.norm(np.cross(start, end)) > 1e-3 * norms[0] * norms[1]:
        expected = (1.0 - share) * norms[0] + share * norms[1]
        np.testing.assert_allclose(np.linalg.norm(_along(start, end, share)), expected, rtol=1e-9)


@pytest.mark.parametrize("end", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]])
def test_parallel_opposite_and_zero_vectors_take_the_straight_line(end):
    start = jnp.array([1.0, 2.0])
    np.testing.assert_allclose(_along(start, jnp.array(end), 0.25), 0.75 * start + 0.25 * np.array(end), atol=1e-12)
    np.testing.assert_allclose(_along(jnp.array(end), start, 0.25), 0.25 * start + 0.75 * np.array(end), atol=1e-12)
