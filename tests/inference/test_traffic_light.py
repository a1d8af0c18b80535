from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.inference import Zone, traffic_light

DAYS = 250
many = jax.jit(jax.vmap(partial(traffic_light, tail_probability=0.01)))


def test_the_table_of_the_basel_committee():
    """Cumulative probabilities as printed; green up to 4 exceptions, red from 10 on."""
    found = many(jnp.asarray(np.arange(DAYS) < np.arange(12)[:, None]))
    printed = {4: 0.8922, 9: 0.9997}
    for count, probability in printed.items():
        np.testing.assert_allclose(found.cumulative_probability[count], probability, atol=5e-5)
    np.testing.assert_array_equal(found.zone, 5 * [Zone.GREEN] + 5 * [Zone.YELLOW] + 2 * [Zone.RED])


def test_the_binomial_law_of_scipy():
    counts = np.array([0, 1, 3, 10, 249, 250])
    found = many(jnp.asarray(np.arange(DAYS) < counts[:, None]))
    np.testing.assert_allclose(found.cumulative_probability, stats.binom.cdf(counts, DAYS, 0.01), rtol=1e-10)
    np.testing.assert_allclose(found.p_value, stats.binom.sf(counts - 1, DAYS, 0.01), rtol=1e-8, atol=1e-14)


def test_two_days_by_hand():
    # One hit of two at p = .1: P(X <= 1) = .99, P(X >= 1) = .19.
    found = traffic_light(np.array([True, False]), tail_probability=0.1)
    np.testing.assert_allclose([found.cumulative_probability, found.p_value], [0.99, 0.19], rtol=1e-12)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="was 1"):
        traffic_light(np.ones(3, bool), tail_probability=1.0)
    with pytest.raises(ValueError, match="were empty"):
        traffic_light(np.zeros(0, bool), tail_probability=0.01)


def test_rare_counts_keep_their_probability():
    """30 hits in 250 days at 1 %: 1 - P(fewer) would be 0."""
    hits = np.arange(250) < 30
    found = traffic_light(hits, tail_probability=0.01)
    np.testing.assert_allclose(found.p_value, stats.binom.sf(29, 250, 0.01), rtol=1e-8)
