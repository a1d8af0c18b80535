"""Sliding blocks: by hand, the law of block maxima, recovery and coverage, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Outcome
from aurora_jax.invariants import extremal_index_blocks
from tests.statistics import assert_mean

from .samples import (
    assert_no_estimate,
    cauchy_autoregression,
    covered,
    degenerate,
    max_autoregression,
    moving_maximum,
)

STEPS, PATHS, BLOCK = 512, 8, 22
estimate_batch = jax.jit(jax.vmap(lambda x: extremal_index_blocks(x, block_steps=BLOCK)))
long_batch = jax.jit(jax.vmap(lambda x: extremal_index_blocks(x, block_steps=45)))
by_hand = jax.jit(lambda x: extremal_index_blocks(x, block_steps=2))


def slow_twin(losses, block):
    steps = losses.size
    law = lambda x: np.mean(losses <= x)  # noqa: E731
    maxima = [np.max(losses[t : t + block]) for t in range(steps - block + 1)]
    mean = np.mean([block * (1 - law(m)) for m in maxima]) * steps / (steps - block)
    disjoint = np.array([np.max(losses[i : i + block]) for i in range(0, steps // block * block, block)])
    contribution = []
    for j, maximum in enumerate(disjoint):
        inside = losses[j * block : (j + 1) * block]
        contribution.append(block * (1 - law(maximum)) + sum(np.mean(disjoint < x) for x in inside))
    error = np.std(contribution, ddof=1) / np.sqrt(disjoint.size) / mean**2
    theta = (block / mean - 2) / (block - 1) - error**2 * mean
    return min(theta, 1.0), error


def test_by_hand():
    # Ranks of pairs' maxima: 5 5 6 6 4 8 8 of 8, so Z = 2 (1 - r / 8) has mean 2 (3 + 3 + 2 + 2 + 4) / 8 / 7 = .5,
    # and 2/3 after the factor 8 / 6: 1.5, less 1/2, is 1 = theta_2. So is theta, but for the error.
    result = by_hand(jnp.array([1.0, 5.0, 3.0, 6.0, 2.0, 4.0, 8.0, 7.0]))
    # Disjoint maxima 5, 6, 4, 8: Z = .75, .5, 1, 0; shares of them below 1, 5 | 3, 6 | 2, 4 | 8, 7: .25, .5, 0, 1.5.
    error = np.std([1.0, 1.0, 1.0, 1.5], ddof=1) / 2 * 1.5**2
    np.testing.assert_allclose(result.standard_error, error)
    np.testing.assert_allclose(result.value, 1 - error**2 / 1.5)


def test_against_a_slow_twin():
    losses = moving_maximum((0.6, 0.4), 1, paths=PATHS, steps=STEPS)
    losses[1] = np.round(losses[1])  # with ties
    result = estimate_batch(losses)
    for path in range(2):
        value, error = slow_twin(losses[path], BLOCK)
        np.testing.assert_allclose(result.value[path], value, rtol=1e-9)
        np.testing.assert_allclose(result.standard_error[path], error, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
def test_recovers_a_moving_maximum():
    result = long_batch(moving_maximum((0.6, 0.4), 5, paths=500, steps=2048))
    assert_mean(result.value, 0.6, bias=0.01)
    assert np.all(result.outcome == Outcome.OK)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("simulate", "parameter", "truth", "bias"),
    [
        (max_autoregression, 0.5, 0.5, 0.01),
        (max_autoregression, 0.8, 0.2, 0.01),
        (moving_maximum, (0.6, 0.4), 0.6, 0.01),
        (cauchy_autoregression, 0.5, 0.5, 0.03),
        (cauchy_autoregression, -0.5, 0.75, 0.04),
        (cauchy_autoregression, -0.8, 0.36, 0.05),
    ],
    ids=["armax.5", "armax.8", "maxima.6", "cauchy.5", "cauchy-.5", "cauchy-.8"],
)
def test_recovery_and_coverage(simulate, parameter, truth, bias):
    """45 blocks of 45 steps. Bias, where no formula removes it, is of clusters that straddle a block's edge."""
    result = long_batch(simulate(parameter, 5, paths=500, steps=2048))
    assert_mean(result.value, truth, bias=bias)
    coverage = np.mean(covered(result, truth))
    assert 0.90 < coverage < 0.99, coverage


@settings(max_examples=5, deadline=None)
@given(st.floats(0.1, 10), st.floats(-3, 3))
def test_increasing_maps_change_nothing(scale, shift):
    losses = np.random.default_rng(6).normal(size=(PATHS, STEPS))
    losses[1] = np.exp(scale * losses[0] + shift)
    result = estimate_batch(losses)
    assert result.value[0] == result.value[1]
    assert result.standard_error[0] == result.standard_error[1]


def test_degenerate_losses_have_an_outcome():
    cases = degenerate(STEPS)
    cases.append((np.arange(STEPS) % 2.0, Outcome.CONSTANT))  # every block holds the maximum
    losses = np.random.default_rng(6).normal(size=(PATHS, STEPS))
    losses[: len(cases)] = [series for series, _ in cases]
    result = estimate_batch(losses)
    for place, (_, outcome) in enumerate(cases):
        assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result), outcome)
    assert np.all(result.outcome[len(cases) :] == Outcome.OK)
    assert_no_estimate(extremal_index_blocks(jnp.arange(7.0), block_steps=2), Outcome.TOO_SHORT)
    assert_no_estimate(extremal_index_blocks(jnp.zeros(0), block_steps=2), Outcome.TOO_SHORT)


def test_one_cluster_is_not_enough():
    """A trend: every block's maximum is exceeded by all that follows; nothing is left after the corrections."""
    assert_no_estimate(by_hand(jnp.arange(64.0)), Outcome.TOO_SHORT)


def test_block_length_is_checked():
    with pytest.raises(ValueError, match=r"block_steps must be at least 2, was 1\."):
        extremal_index_blocks(jnp.arange(9.0), block_steps=1)
