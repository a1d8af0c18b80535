from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.inference import christoffersen, kupiec
from tests.inference.unchecked import unchecked

kupiec_many = jax.jit(jax.vmap(partial(kupiec, tail_probability=0.2)))
christoffersen_many = jax.jit(jax.vmap(partial(christoffersen, tail_probability=0.2)))


def first_days(count, days):
    return np.arange(days) < count


@pytest.mark.parametrize(
    ("days", "hits", "p", "expected"), [(250, 8, 0.01, 7.7335507245), (1000, 63, 0.05, 3.2987886259)]
)
def test_kupiec_to_the_printed_digits(days, hits, p, expected):
    found = kupiec(first_days(hits, days), tail_probability=p)
    np.testing.assert_allclose(found.statistic, expected, atol=5e-11)
    np.testing.assert_allclose(found.p_value, stats.chi2.sf(expected, 1), rtol=1e-8)


@pytest.mark.parametrize(("days", "p", "low", "high"), [(1000, 0.05, 38, 64), (255, 0.05, 7, 20), (1000, 0.01, 5, 16)])
def test_kupiec_accepts_what_the_tables_print(days, p, low, high):
    counts = np.arange(80)
    found = jax.vmap(partial(kupiec, tail_probability=p))(jnp.asarray(np.arange(days) < counts[:, None]))
    accepted = counts[np.asarray(found.p_value) > 0.05]
    assert (accepted.min(), accepted.max()) == (low, high)


def test_christoffersen_by_hand():
    hits = np.zeros(250, bool)
    hits[[10, 11, 50, 100, 101, 102, 200]] = True
    found = christoffersen(hits, tail_probability=0.01)
    np.testing.assert_allclose(found.unconditional.statistic, 5.4969904478, atol=5e-11)
    np.testing.assert_allclose(found.independence.statistic, 13.4875635238, atol=5e-11)
    np.testing.assert_allclose(found.statistic, 5.4969904478 + 13.4875635238, atol=1e-9)
    np.testing.assert_allclose(found.p_value, np.exp(-found.statistic / 2), rtol=1e-9)  # chi-squared, 2 degrees
    np.testing.assert_allclose(found.independence.p_value, stats.chi2.sf(13.4875635238, 1), rtol=1e-8)


def test_flows_into_and_out_of_a_hit_by_hand():
    # 0 1 1 0 1: n01 = 2, n10 = n11 = 1. Pooled 3 of 4, apart 2 of 2 and 1 of 2: the 1/4 cancels, -6 log(3/4) stays.
    found = christoffersen(np.array([0, 1, 1, 0, 1]), tail_probability=0.5)
    np.testing.assert_allclose(found.independence.statistic, -6 * np.log(0.75), rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 250])
def test_the_edges_are_finite(count):
    found = christoffersen(first_days(count, 250), tail_probability=0.01)
    for leaf in jax.tree.leaves(found):
        assert np.isfinite(leaf)
    if count == 0:  # 250 days without a hit: -2 x 250 log(.99)
        np.testing.assert_allclose(found.unconditional.statistic, -500 * np.log(0.99), rtol=1e-10)
        assert found.independence.statistic == 0.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), min_size=40, max_size=40))
def test_laws_of_any_sequence(hits):
    rows = jnp.array([hits, hits[::-1]])
    found, reverse = (jax.tree.map(lambda leaf, i=i: leaf[i], christoffersen_many(rows)) for i in (0, 1))
    assert found.independence.statistic >= 0.0
    assert found.statistic >= found.unconditional.statistic
    # Kupiec's test does not know the order, and a flow out of a state is a flow into it seen from behind.
    np.testing.assert_allclose(found.unconditional.statistic, reverse.unconditional.statistic, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.stat
def test_size_under_the_null(key):
    """5 % of honest forecasts are rejected once n11 is not a handful (at p = .05, independence rejects 8 %)."""
    hits = jr.bernoulli(stream(key, "hits"), 0.2, (1000, 1000))
    found = christoffersen_many(hits)
    for part in (found, found.unconditional, found.independence):
        rejected = np.mean(np.asarray(part.p_value) < 0.05)
        assert abs(rejected - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1000) + 0.005  # discreteness
    np.testing.assert_allclose(kupiec_many(hits).p_value, found.unconditional.p_value, rtol=1e-12)


def test_numbers_and_flags_are_the_same_hits():
    flags = first_days(8, 250)
    assert kupiec(flags, tail_probability=0.01).statistic == kupiec(flags.astype(int), tail_probability=0.01).statistic


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="was 0"):
        kupiec(first_days(1, 10), tail_probability=0.0)
    with pytest.raises(ValueError, match="were empty"):
        kupiec(np.zeros(0, bool), tail_probability=0.05)
    with pytest.raises(ValueError, match="were 1"):
        christoffersen(np.zeros(1, bool), tail_probability=0.05)
    with unchecked(), pytest.raises(ValueError, match="flags or integers, were float64"):
        kupiec(np.array([0.0, np.nan, 1.0]), tail_probability=0.05)
