"""Mutually exciting processes: linear equations for their mean, the time change, and reductions to one component."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from aurora_jax.stochastic import Hawkes, MarkedEvents, MultivariateHawkes, stable_branching
from aurora_jax.stochastic.branching_matrix import spectral_radius
from tests.statistics import assert_mean

BASELINE, DECAY = np.array([0.5, 0.0, 1.0]), 2.0
# Asymmetric: component 1 has no baseline and lives on what component 0 and 2 cause.
BRANCHING = np.array([[0.3, 0.0, 0.2], [0.6, 0.1, 0.0], [0.0, 0.4, 0.1]])
PROCESS = MultivariateHawkes(BASELINE, BRANCHING, DECAY)
HORIZON, PLACES = 20.0, 160


@pytest.fixture(scope="module")
def sample():
    draw = jax.jit(jax.vmap(lambda key: PROCESS.events(key, horizon=HORIZON, max_events=PLACES)))
    return draw(jax.random.split(jax.random.key(21), 2000))


def expected_counts(horizon):
    """d lambda = beta (mu - lambda) dt + beta N lambda dt and dN = lambda dt, from lambda = mu."""
    size = BASELINE.size
    rates = np.zeros((2 * size + 1, 2 * size + 1))
    rates[1 : size + 1, 0] = DECAY * BASELINE
    rates[1 : size + 1, 1 : size + 1] = DECAY * (BRANCHING - np.eye(size))
    rates[size + 1 :, 1 : size + 1] = np.eye(size)
    return (expm(rates * horizon) @ np.concatenate([[1.0], BASELINE, np.zeros(size)]))[size + 1 :]


@pytest.mark.stat
def test_mean_counts_by_component(sample):
    assert not np.any(sample.overflowed)
    counts = (np.asarray(sample.component)[:, :, None] == np.arange(3)).sum(axis=1)
    assert_mean(counts, expected_counts(HORIZON))
    np.testing.assert_allclose(PROCESS.stationary_rates, np.linalg.solve(np.eye(3) - BRANCHING, BASELINE))
    growth = expected_counts(1001.0) - expected_counts(1000.0)
    np.testing.assert_allclose(PROCESS.stationary_rates, growth, rtol=1e-6)


@pytest.mark.stat
def test_counts_less_compensators_are_martingales_that_do_not_know_each_other(sample):
    """Mean 0, variance the mean count, uncorrelated between components."""
    at_the_end = jax.jit(jax.vmap(lambda e: PROCESS.compensator(e, jnp.full(1, HORIZON))[0]))
    counts = (np.asarray(sample.component)[:, :, None] == np.arange(3)).sum(axis=1)
    compensator = np.asarray(at_the_end(sample))
    gap = counts - compensator
    assert_mean(gap, 0.0)
    assert_mean(gap[:, :, None] * gap[:, None, :] - compensator[:, :, None] * np.eye(3), 0.0)


def test_likelihood_against_the_double_loop():
    times, component = [0.5, 2.0, 2.1], [0, 2, 1]

    def rate(t, i):
        past = [(s, c) for s, c in zip(times, component, strict=True) if s < t]
        return BASELINE[i] + DECAY * sum(BRANCHING[i, c] * np.exp(-DECAY * (t - s)) for s, c in past)

    compensator = sum(
        BASELINE[i] * 5.0
        + sum(BRANCHING[i, c] * (1 - np.exp(-DECAY * (5.0 - s))) for s, c in zip(times, component, strict=True))
        for i in range(3)
    )
    expected = sum(np.log(rate(t, c)) for t, c in zip(times, component, strict=True)) - compensator
    events = MarkedEvents(jnp.array([*times, jnp.inf]), jnp.array([*component, -1]), jnp.array(3), jnp.array(False))
    np.testing.assert_allclose(PROCESS.log_likelihood(events, horizon=5.0), expected, rtol=1e-12)


@pytest.mark.stat
def test_the_score_has_mean_zero(sample):
    score = jax.jit(
        jax.vmap(
            jax.grad(lambda b, e: MultivariateHawkes(BASELINE, b, DECAY).log_likelihood(e, horizon=HORIZON)), (None, 0)
        )
    )
    assert_mean(score(jnp.asarray(BRANCHING), sample), 0.0)


def test_one_component_is_the_univariate_process(key):
    """The same likelihood and compensator; the draws have another layout of random numbers but the same mean."""
    one, alone = MultivariateHawkes(np.array([1.0]), np.array([[0.8]]), 2.0), Hawkes(1.0, 0.8, 2.0)
    path = alone.events(key, horizon=10.0, max_events=200)
    marked = MarkedEvents(path.times, jnp.where(jnp.isfinite(path.times), 0, -1), path.count, path.overflowed)
    np.testing.assert_allclose(
        one.log_likelihood(marked, horizon=10.0), alone.log_likelihood(path.times, horizon=10.0), rtol=1e-10
    )
    at = jnp.array([0.1, 3.0, 10.0])
    np.testing.assert_allclose(one.compensator(marked, at)[:, 0], alone.compensator(path.times, at), rtol=1e-10)


def test_components_may_be_renamed(sample):
    order = np.array([2, 0, 1])
    renamed = MultivariateHawkes(BASELINE[order], BRANCHING[np.ix_(order, order)], DECAY)
    path = jax.tree.map(lambda a: a[0], sample)
    there = jnp.asarray(np.argsort(order))[jnp.maximum(path.component, 0)]
    moved = path._replace(component=jnp.where(path.component >= 0, there, -1))
    np.testing.assert_allclose(
        renamed.log_likelihood(moved, horizon=HORIZON), PROCESS.log_likelihood(path, horizon=HORIZON), rtol=1e-10
    )


def test_running_out_of_places_is_reported(key):
    cut = PROCESS.events(key, horizon=1e4, max_events=8)
    assert cut.overflowed
    assert cut.count == 8
    assert np.all(np.isfinite(cut.times))
    state, _ = PROCESS.events_from(PROCESS.init(), key, until=1e4, max_events=8)
    assert state.time == cut.times[-1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-20.0, 20.0), min_size=9, max_size=9), st.floats(0.05, 1.0))
def test_any_matrix_becomes_stable(raw, largest):
    branching = np.asarray(stable_branching(jnp.array(raw).reshape(3, 3), largest=largest))
    assert np.all(branching >= 0.0)
    assert np.max(np.abs(np.linalg.eigvals(branching))) < largest
    np.testing.assert_allclose(
        spectral_radius(jnp.asarray(branching)), np.max(np.abs(np.linalg.eigvals(branching))), rtol=1e-3, atol=1e-12
    )


def test_bad_parameters_are_refused(key):
    with pytest.raises(ValueError, match=r"spectral radius of branching must be less than 1, was 1\.2"):
        MultivariateHawkes(BASELINE[:2], np.array([[0.0, 1.2], [1.2, 0.0]]), 1.0)
    with pytest.raises(ValueError, match="branching must lie in"):
        MultivariateHawkes(BASELINE[:2], np.array([[0.0, -0.1], [0.2, 0.0]]), 1.0)
    with pytest.raises(ValueError, match="some baseline must be > 0"):
        MultivariateHawkes(np.zeros(2), np.zeros((2, 2)), 1.0)
    with pytest.raises(ValueError, match="decay must lie in"):
        MultivariateHawkes(BASELINE, BRANCHING, 0.0)
    with pytest.raises(ValueError, match="largest must lie in"):
        stable_branching(jnp.zeros((2, 2)), largest=1.5)
    with pytest.raises(ValueError, match="max_events must be at least 1"):
        PROCESS.events(key, horizon=1.0, max_events=0)
    with pytest.raises(RuntimeError, match="spectral radius"):
        jax.jit(lambda b: MultivariateHawkes(BASELINE, b, 1.0).branching)(jnp.asarray(2.0 * BRANCHING))
