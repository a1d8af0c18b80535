import itertools
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from aurora_jax.core import stream
from aurora_jax.signatures import lead_lag, log_signature, signature, time_augmented
from tests.statistics import assert_mean

coordinates = st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=5, max_size=5).map(np.array)
three_levels = partial(signature, depth=3)
log_three_levels = partial(log_signature, depth=3)


def levels(flat, channels=2):
    """Split a signature into its levels, as arrays with one axis a letter."""
    found, start = [], 0
    for level in (1, 2, 3):
        found.append(np.asarray(flat[start : start + channels**level]).reshape((channels,) * level))
        start += channels**level
    return found


def test_a_straight_line_in_closed_form():
    """Level k of a line with increment a is the k-fold tensor power of a over k!."""
    a = np.array([0.7, -1.3])
    one, two, three = levels(three_levels(np.stack([np.ones(2), 1.0 + a])))
    np.testing.assert_allclose(one, a, rtol=1e-12)
    np.testing.assert_allclose(two, np.einsum("i,j", a, a) / 2, rtol=1e-12)
    np.testing.assert_allclose(three, np.einsum("i,j,k", a, a, a) / 6, rtol=1e-12)


@pytest.mark.parametrize("a", [(0.5, 0.3), (-0.7, 0.2)])
def test_the_kernel_of_two_lines_is_a_bessel_function(a):
    """I_0(2 sqrt(<a, b>)), J_0 where <a, b> < 0; what level 7 and higher would add is below <a, b>^7 / 7!^2."""
    b = np.array([0.4, 0.5])
    product = float(np.dot(a, b))
    flat = [signature(np.stack([np.zeros(2), np.asarray(end)]), depth=6) for end in (a, b)]
    root = 2 * np.sqrt(abs(product))
    expected = special.i0(root) if product > 0 else special.j0(root)
    np.testing.assert_allclose(1.0 + flat[0] @ flat[1], expected, atol=2 * abs(product) ** 7 / 5040**2)
    if a == (0.5, 0.3):
        np.testing.assert_allclose(expected, 1.381842, atol=5e-7)


def test_a_corner_by_hand():
    # East then north: x is done before y starts, so S^xy = 1, S^yx = 0; the area is 1/2.
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(signature(corner, depth=2), [1, 1, 0.5, 1, 0, 0.5], atol=1e-12)
    np.testing.assert_allclose(log_signature(corner, depth=2), [1, 1, 0.5], atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(coordinates, coordinates)
def test_chen(first, second):
    """The signature of a concatenation is the tensor product of the signatures."""
    second = second - second[0] + first[-1]
    (a1, a2, a3), (b1, b2, b3) = levels(three_levels(first)), levels(three_levels(second))
    one, two, three = levels(three_levels(np.concatenate([first, second[1:]])))
    np.testing.assert_allclose(one, a1 + b1, atol=1e-9)
    np.testing.assert_allclose(two, a2 + np.einsum("i,j", a1, b1) + b2, atol=1e-9)
    outer = np.einsum("ij,k->ijk", a2, b1) + np.einsum("i,jk->ijk", a1, b2)
    np.testing.assert_allclose(three, a3 + outer + b3, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(coordinates, coordinates)
def test_an_excursion_that_returns_by_the_way_it_went_leaves_no_trace(path, excursion):
    there = excursion - excursion[0] + path[2]
    detour = np.concatenate([path[:3], there[1:], there[-2::-1], path[3:]])
    np.testing.assert_allclose(three_levels(detour), three_levels(path), atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(coordinates, st.floats(0, 1), st.integers(1, 4), st.floats(-5, 5))
def test_speed_and_origin_do_not_matter(path, share, before, shift):
    slower = np.insert(path, before, share * path[before - 1] + (1 - share) * path[before], axis=0)
    np.testing.assert_allclose(three_levels(slower + shift), three_levels(path), atol=1e-8)


def shuffles(one, other):
    """All words that keep the order of the letters of either."""
    if not one or not other:
        return [one + other]
    return [one[:1] + rest for rest in shuffles(one[1:], other)] + [
        other[:1] + rest for rest in shuffles(one, other[1:])
    ]


@settings(max_examples=10, deadline=None)
@given(coordinates)
def test_products_of_integrals_are_sums_over_shuffles(path):
    """The shuffle identity, for words of up to three letters together."""
    flat = levels(three_levels(path))
    entry = lambda word: flat[len(word) - 1][word]  # noqa: E731
    for one in itertools.product((0, 1), repeat=1):
        for length in (1, 2):
            for other in itertools.product((0, 1), repeat=length):
                expected = sum(entry(word) for word in shuffles(one, other))
                np.testing.assert_allclose(entry(one) * entry(other), expected, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(coordinates)
def test_the_logarithm_by_its_series(path):
    """log S at the Lyndon words 1, 2, 12, 112, 122, from the tensor series in its docstring."""
    one, two, three = levels(three_levels(path))
    second = two - np.einsum("i,j", one, one) / 2
    third = three - (np.einsum("i,jk", one, two) + np.einsum("ij,k", two, one)) / 2
    third = third + np.einsum("i,j,k", one, one, one) / 3
    expected = [one[0], one[1], second[0, 1], third[0, 0, 1], third[0, 1, 1]]
    np.testing.assert_allclose(log_three_levels(path), expected, atol=1e-8)


@pytest.mark.stat
def test_brownian_motion_has_half_the_time_on_the_diagonal(key):
    horizon, steps = 2.0, 16
    paths = jnp.cumsum(jnp.sqrt(horizon / steps) * jr.normal(stream(key, "bm"), (2000, steps + 1, 2)), axis=1)
    flat = jax.jit(jax.vmap(partial(signature, depth=2)))(paths)
    assert_mean(flat[:, 2:], horizon / 2 * np.eye(2).ravel())


def test_the_logarithm_of_a_line_is_the_line():
    line = np.array([[0.0, 0.0], [0.7, -1.3]])
    found = log_signature(line, depth=3)
    assert found.shape == (5,)  # Lyndon words of two letters: 2 + 1 + 2
    np.testing.assert_allclose(found, [0.7, -1.3, 0, 0, 0], atol=1e-12)


def test_the_area_between_lead_and_lag_is_the_quadratic_variation():
    path = np.array([[1.0], [3.0], [2.0], [2.5]])
    both = lead_lag(path)
    np.testing.assert_array_equal(both, [[1, 1], [3, 1], [3, 3], [2, 3], [2, 2], [2.5, 2], [2.5, 2.5]])
    flat = signature(both, depth=2)
    # A step d alone: lead has moved by d when lag moves by d, so S^(lead,lag) = d^2 and S^(lag,lead) = 0.
    np.testing.assert_allclose(flat[3] - flat[4], 4.0 + 1.0 + 0.25, rtol=1e-12)


def test_time_makes_two_speeds_differ():
    slow, fast = np.array([[0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])
    np.testing.assert_array_equal(time_augmented(slow), [[0, 0], [0.5, 0], [1, 1]])
    # Integral of time against the path: half of the time is gone on average when it moves late (.75), or early (.25).
    np.testing.assert_allclose(signature(time_augmented(slow), depth=2)[3], 0.75, rtol=1e-12)
    np.testing.assert_allclose(signature(time_augmented(fast), depth=2)[3], 0.25, rtol=1e-12)


def test_single_precision_stays_single():
    path = jnp.ones((4, 2), jnp.float32)
    assert signature(lead_lag(path), depth=2).dtype == jnp.float32
    assert time_augmented(path).dtype == jnp.float32


def test_bad_arguments_are_refused():
    path = np.zeros((4, 2))
    with pytest.raises(ValueError, match="was 0"):
        signature(path, depth=0)
    with pytest.raises(ValueError, match=r"had shape \(1, 2\)"):
        log_signature(path[:1], depth=2)
    with pytest.raises(RuntimeError, match="must be finite"):
        signature(np.where(np.arange(8).reshape(4, 2) == 3, np.nan, 1.0), depth=2)
    with pytest.raises(ValueError, match="had 1"):
        time_augmented(path[:1])
    with pytest.raises(ValueError, match="had 0"):
        lead_lag(path[:0])
