"""The distance between tails: scipy's, closed forms, laws of a distance, coverage, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aurora_jax.core import Outcome
from aurora_jax.invariants import tail_wasserstein
from tests.statistics import assert_mean

from .samples import assert_no_estimate, covered

FIRST, SECOND, PATHS, LEVEL = 1000, 1230, 400, 0.95
distance = jax.jit(lambda x, y: tail_wasserstein(x, y, quantile=LEVEL))
distance_batch = jax.jit(jax.vmap(lambda x, y: tail_wasserstein(x, y, quantile=LEVEL)))
by_hand = jax.jit(lambda x, y: tail_wasserstein(x, y, quantile=0.6))


def student(seed, *shape):
    return np.random.default_rng(seed).standard_t(4, shape)


def test_by_hand():
    # Two of five each: tails (3, 7) and (4, 5): (1 + 2) / 2.
    x, y = jnp.array([7.0, 0.0, 3.0, 1.0, 2.0]), jnp.array([1.0, 5.0, 0.0, 4.0, 2.0])
    result = by_hand(x, y)
    np.testing.assert_allclose(result.value, 1.5)
    # From 3 to 4 y is ahead, to 5 neither, to 7 x: x's larger observation moves the distance by (-1 + 2) / .4, y's by
    # nothing. Variance over five observations.
    np.testing.assert_allclose(result.standard_error, np.sqrt((1 / 5 - 1 / 25) / (5 * 0.4**2)))
    # Tails (6, 7) and (2.5, 5), x ahead all the way: 1 for x's larger observation, 2.5 for y's.
    result = by_hand(jnp.array([7.0, 0.0, 6.0, 1.0, 2.0]), y.at[3].set(2.5))
    np.testing.assert_allclose(result.value, (7 - 5 + 6 - 2.5) / 2)
    np.testing.assert_allclose(result.standard_error, np.sqrt((2.5**2 + 1) * (1 / 5 - 1 / 25) / (5 * 0.4**2)))


@pytest.mark.parametrize("sizes", [(FIRST, FIRST), (FIRST, SECOND)])
def test_against_scipy(sizes):
    x, y = student(1, sizes[0]), 1.5 * student(2, sizes[1])
    tails = [np.sort(s)[-int(s.size * (1 - LEVEL) + 1e-9) :] for s in (x, y)]
    np.testing.assert_allclose(distance(x, y).value, stats.wasserstein_distance(*tails), rtol=1e-9)


@pytest.mark.stat
def test_a_change_of_scale_moves_it_by_the_expected_shortfall():
    """W(X, 2X) = E[X | X > q] beyond q: for t_4 at .95 the expected shortfall, from core's closed form by scipy."""
    nu, quantile = 4, stats.t.ppf(LEVEL, 4)
    shortfall = (nu + quantile**2) / (nu - 1) * stats.t.pdf(quantile, nu) / (1 - LEVEL)
    result = distance_batch(student(3, PATHS, FIRST), 2 * student(4, PATHS, FIRST))
    assert_mean(result.value, shortfall, bias=0.04)  # the empirical tail's, of order 1 / k
    assert_mean(covered(result, shortfall), 0.95, bias=0.04)  # a heavy tail's mean is skewed


@pytest.mark.slow
@pytest.mark.stat
def test_coverage_between_normals():
    """Tails of N(0, 1) and N(1, 1) are a shift apart, a distance of 1."""
    random = np.random.default_rng(5)
    result = distance_batch(random.normal(size=(5 * PATHS, FIRST)), 1 + random.normal(size=(5 * PATHS, FIRST)))
    assert_mean(result.value, 1.0, bias=0.01)
    assert_mean(covered(result, 1.0), 0.95, bias=0.015)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_laws_of_a_distance(seed, scale, shift):
    x, y, z = student(seed, 3, FIRST) * np.array([[1.0], [scale], [1.0]]) + np.array([[0.0], [shift], [1.0]])
    apart = distance(x, y).value
    np.testing.assert_allclose(distance(y, x).value, apart, rtol=1e-12)
    np.testing.assert_allclose(
        distance(scale * x + shift, scale * y + shift).value, scale * apart, rtol=1e-7, atol=1e-9
    )
    assert distance(x, np.random.default_rng(seed).permutation(x)).value < 1e-12
    assert distance(x, z).value <= apart + distance(y, z).value + 1e-12
    np.testing.assert_allclose(distance(x, x + abs(shift)).value, abs(shift), atol=1e-9)


def test_degenerate_samples_have_an_outcome():
    x = student(6, FIRST)
    for bad in (np.nan, np.inf):
        spoiled = np.r_[bad, x[1:]]
        assert_no_estimate(distance(x, spoiled), Outcome.NON_FINITE)
        assert_no_estimate(distance(spoiled, x), Outcome.NON_FINITE)
    assert_no_estimate(distance(np.ones(FIRST), np.ones(FIRST)), Outcome.CONSTANT)
    assert distance(np.zeros(FIRST), x).outcome == Outcome.OK  # how far a tail is from 0: its expected shortfall
    np.testing.assert_allclose(distance(np.zeros(FIRST), x).value, np.mean(np.sort(x)[-50:]))
    for size in (0, 39):
        assert_no_estimate(tail_wasserstein(jnp.arange(float(size)), jnp.asarray(x), quantile=LEVEL), Outcome.TOO_SHORT)


def test_quantile_is_checked():
    with pytest.raises(ValueError, match=r"quantile must lie in \(0, 1\), was 1\.0"):
        tail_wasserstein(jnp.arange(9.0), jnp.arange(9.0), quantile=1.0)


def test_ties_and_constants():
    """Tails of one single number have no scale to be compared on; of two numbers the distance is their difference."""
    tied = np.arange(FIRST, dtype=float) % 7
    assert_no_estimate(distance(tied, tied), Outcome.CONSTANT)
    found = distance(np.full(FIRST, 0.1), np.full(FIRST, 0.2))
    assert found.outcome == Outcome.OK
    np.testing.assert_allclose([found.value, found.standard_error], [0.1, 0.0], rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_extreme_units_stay_in_range(unit):
    generator = np.random.default_rng(3)
    x, y = generator.standard_t(4, (2, FIRST))
    before, after = distance(x, y), distance(unit * x, unit * y)
    np.testing.assert_allclose(after.value / unit, before.value, rtol=1e-9)
    np.testing.assert_allclose(after.standard_error / unit, before.standard_error, rtol=1e-9)
