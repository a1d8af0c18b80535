"""Significance by simulation: p-value and critical value say the same, ties and few draws included."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Outcome
from aurora_jax.inference.simulated_null import against_simulated

DRAWS = 12
whole = st.integers(-3, 3).map(float)


@settings(max_examples=60, deadline=None)
@given(whole, st.lists(whole, min_size=DRAWS, max_size=DRAWS), st.floats(0.01, 0.99))
def test_below_the_critical_value_is_a_p_value_of_at_most_the_significance(statistic, null, significance):
    found = against_simulated(jnp.asarray(statistic), jnp.asarray(null), significance=significance)
    as_small = sum(draw <= statistic for draw in null)
    np.testing.assert_allclose(found.p_value, (1 + as_small) / (1 + DRAWS), rtol=1e-12)
    assert bool(statistic < found.critical_value) == bool(1 + as_small <= (1 + DRAWS) * significance + 1e-9)


def test_too_few_draws_for_the_significance_reject_nothing():
    found = against_simulated(jnp.asarray(-9.0), jnp.arange(5.0), significance=0.05)
    assert found.critical_value == -np.inf
    np.testing.assert_allclose(found.p_value, 1 / 6, rtol=1e-12)


def test_nothing_simulated_is_no_evidence():
    nothing = jnp.zeros(5, bool)
    found = against_simulated(jnp.asarray(-9.0), jnp.zeros(5), significance=0.05, null_defined=nothing)
    assert found.outcome == Outcome.TOO_SHORT
    assert (found.statistic, found.p_value) == (0.0, 1.0)
