from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import stream
from aurora_jax.signatures import signature_mmd
from aurora_jax.signatures.median_distance import median_squared_distance

median = jax.jit(median_squared_distance)


def sorted_median(points):
    """The textbook's way: all pairs, sorted."""
    pairs = np.mean((points[:, None] - points[None, :]) ** 2, axis=2)[np.triu_indices(len(points), 1)]
    return np.median(pairs)


@pytest.mark.parametrize(
    ("ends", "expected"), [((0.0, 3.0), 9.0), ((0.0, 1.0, 3.0), 4.0), ((0.0, 1.0, 3.0, 7.0), 12.5)]
)
def test_points_on_a_line_by_hand(ends, expected):
    # One pair; 1, 4, 9; and 1, 4, 9, 16, 36, 49 with 9 and 16 in the middle.
    np.testing.assert_allclose(median_squared_distance(jnp.asarray(ends)[:, None]), expected, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-300, 300)), min_size=9, max_size=9))
def test_agrees_with_sorting_where_many_distances_are_equal(rows):
    points = np.array(rows, float)
    np.testing.assert_allclose(median(points), sorted_median(points), rtol=1e-12)


@pytest.mark.parametrize("size", [513, 701])
def test_blocks_make_no_difference(size):
    """Two blocks of rows, the second one padded; distances from 1e-6 to 1e4."""
    generator = np.random.default_rng(size)
    points = generator.standard_normal((size, 3)) * np.exp(2.0 * generator.standard_normal((size, 1)))
    np.testing.assert_allclose(median(points), sorted_median(points), rtol=1e-11)


@pytest.mark.slow
def test_the_gradient_is_that_of_sorting():
    points = np.random.default_rng(2).standard_normal((9, 2))

    def by_sorting(z):
        pairs = jnp.mean((z[:, None] - z[None, :]) ** 2, axis=2)
        return jnp.median(pairs[jnp.triu_indices(9, 1)])

    np.testing.assert_allclose(jax.grad(median)(points), jax.grad(by_sorting)(jnp.asarray(points)), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("bandwidth", [None, 1.0])
def test_the_gradient_never_holds_a_matrix_of_pairs(key, bandwidth):
    """1,024 and 1,024 paths of 64 steps in 36 MiB; one such matrix takes 32, and its derivatives ten more."""
    x, y = (jnp.cumsum(jr.normal(stream(key, name), (1024, 64, 1)), axis=1) for name in ("x", "y"))
    slope = jax.jit(jax.grad(partial(signature_mmd, depth=4, bandwidth=bandwidth)))
    memory = slope.lower(x, y).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 48 * 2**20
