"""Hill's estimator: by hand, unbiased on Pareto losses, and what it cannot estimate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Outcome
from aurora_jax.invariants import tail_index
from tests.statistics import assert_mean

STEPS, TAIL = 2000, 50
estimate = jax.jit(lambda losses: tail_index(losses, tail_count=TAIL))
estimate_batch = jax.jit(jax.vmap(lambda losses: tail_index(losses, tail_count=TAIL)))


def test_by_hand():
    # The two largest are e^2 and e^3, the threshold e: mean(1, 2) = 3/2.
    result = tail_index(jnp.exp(jnp.array([3.0, -5.0, 1.0, 2.0, 0.0])), tail_count=2)
    np.testing.assert_allclose(result.value, 1.5, rtol=1e-12)
    np.testing.assert_allclose(result.standard_error, 1.5 / np.sqrt(2), rtol=1e-12)
    assert result.outcome == Outcome.OK


@pytest.mark.stat
@pytest.mark.parametrize("truth", [0.2, 1.0])
def test_unbiased_on_pareto_with_honest_errors(truth):
    """Log-spacings of a Pareto sample are exponential, so the estimate is a mean of k of them: exactly unbiased."""
    result = estimate_batch(np.random.default_rng(1).pareto(1 / truth, (500, STEPS)) + 1.0)
    assert_mean(result.value, truth)
    assert_mean((np.asarray(result.value) - truth) ** 2, truth**2 / TAIL)
    covered = np.abs(np.asarray(result.value) - truth) < 1.96 * np.asarray(result.standard_error)
    assert_mean(covered, 0.95, bias=0.01)  # a gamma variable, not quite normal at k = 50


@pytest.mark.stat
def test_student_t_has_the_printed_error():
    """oracles.md: root mean square error .056 at the top 2.5 % of 2,000 draws of |t_4|, xi = 1/4."""
    result = estimate_batch(np.abs(np.random.default_rng(2).standard_t(4, (500, STEPS))))
    assert_mean((np.asarray(result.value) - 0.25) ** 2, 0.056**2, bias=2 * 0.056 * 0.0005)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_rescaling_and_reordering_change_nothing(scale, seed):
    losses = np.random.default_rng(0).standard_t(3, STEPS)
    shuffled = np.random.default_rng(seed).permutation(losses)
    np.testing.assert_allclose(estimate(jnp.asarray(scale * shuffled)).value, estimate(jnp.asarray(losses)).value)


@pytest.mark.parametrize(
    ("losses", "outcome"),
    [
        (np.full(STEPS, 0.1), Outcome.CONSTANT),
        (np.r_[np.full(TAIL + 1, 9.0), np.zeros(STEPS - TAIL - 1)], Outcome.CONSTANT),
        (-np.arange(1.0, STEPS + 1), Outcome.TOO_SHORT),
        (np.r_[np.ones(TAIL) + np.arange(TAIL), np.zeros(STEPS - TAIL)], Outcome.TOO_SHORT),
        (np.r_[np.nan, np.arange(STEPS - 1.0)], Outcome.NON_FINITE),
        (np.arange(1.0, TAIL + 1), Outcome.TOO_SHORT),
    ],
)
def test_degenerate_losses_have_an_outcome(losses, outcome):
    result = estimate(jnp.asarray(losses))
    assert result.outcome == outcome
    assert np.isnan(result.value)
    assert np.isnan(result.standard_error)


def test_too_small_a_tail_is_named():
    with pytest.raises(ValueError, match=r"tail_count must be at least 2, was 1\."):
        tail_index(jnp.arange(10.0), tail_count=1)
