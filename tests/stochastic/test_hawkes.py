"""Hawkes events: closed-form moments, the time change, and what happens when the places run out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from aurora_jax.stochastic import Hawkes
from tests.statistics import assert_mean

PLACES = 1600
events = jax.jit(
    jax.vmap(lambda key, process, horizon: process.events(key, horizon=horizon, max_events=PLACES), (0, None, None))
)
PROCESS = Hawkes(1.0, 0.8, 2.0)
compensate = jax.jit(jax.vmap(lambda times, at: PROCESS.compensator(times, at)))


@pytest.fixture(scope="module")
def sample():
    return events(jax.random.split(jax.random.key(11), 1000), PROCESS, 100.0)


def moments_of_the_count(baseline, branching_ratio, decay, horizon):
    """Mean and variance of N(0, T) from lambda_0 = mu, by linear equations for the moments of (lambda, N)."""
    jump = branching_ratio * decay
    gap = decay - jump
    rates = np.array(
        [  # constant, lambda, lambda^2, N, N lambda, N^2
            [0, 0, 0, 0, 0, 0],
            [decay * baseline, -gap, 0, 0, 0, 0],
            [0, 2 * decay * baseline + jump**2, -2 * gap, 0, 0, 0],
            [0, 1, 0, 0, 0, 0],
            [0, jump, 1, decay * baseline, -gap, 0],
            [0, 1, 0, 0, 2, 0],
        ]
    )
    moments = expm(rates * horizon) @ [1, baseline, baseline**2, 0, 0, 0]
    return moments[3], moments[5] - moments[3] ** 2


@pytest.mark.stat
def test_mean_and_variance_of_the_count(sample):
    """mu = 1, alpha = 1.6, beta = 2 from lambda_0 = mu: E N(0, 100) = 490; Fano factor close to 25."""
    mean, variance = moments_of_the_count(1.0, 0.8, 2.0, 100.0)
    assert abs(mean - 490.0) < 1e-9
    assert 23.0 < variance / mean < 25.0
    assert not np.any(sample.overflowed)
    assert_mean(sample.count, mean)
    assert_mean((np.asarray(sample.count) - mean) ** 2, variance)
    assert abs(PROCESS.stationary_rate - 5.0) < 1e-12


@pytest.mark.stat
def test_the_compensator_makes_it_a_poisson_process(sample):
    mapped = compensate(sample.times[:500], sample.times[:500])[:20]
    gaps = np.concatenate([np.diff(row[np.isfinite(row)], prepend=0.0) for row in np.asarray(mapped)])
    assert stats.kstest(gaps, "expon").pvalue > 1e-3
    # Independent, too: a wrong memory of the past would leave neighbours correlated.
    assert_mean((gaps[1:] - 1.0) * (gaps[:-1] - 1.0), 0.0)


@pytest.mark.stat
def test_the_compensator_has_the_mean_of_the_count(sample):
    # One event's mean compensator, asked for at the end of the path and at every event in one call.
    last = np.asarray(compensate(sample.times[:500], jnp.full((500, PLACES), 100.0)))[:, 0]
    assert_mean(np.asarray(sample.count[:500]) - last, 0.0)


def test_compensator_by_hand_and_by_definition():
    times = jnp.array([0.5, 2.0, 2.1, jnp.inf, jnp.inf])
    # Before any event mu t = .25; at 1: 1 + .8 (1 - exp(-2 * .5)) = 1.505696447
    at = jnp.array([0.25, 1.0, 3.0, 0.1, 2.0, 2.05, 50.0, jnp.inf])
    compensator = jax.jit(lambda times, at: PROCESS.compensator(times, at))
    result = compensator(times, at)
    np.testing.assert_allclose(result[:2], [0.25, 1.505696447], rtol=1e-9)
    slow = [t + 0.8 * sum(1 - np.exp(-2.0 * (t - s)) for s in (0.5, 2.0, 2.1) if s < t) for t in np.asarray(at)]
    np.testing.assert_allclose(result, slow, rtol=1e-12)
    nothing_happened = compensator(jnp.full(5, jnp.inf), at)
    np.testing.assert_allclose(nothing_happened, at, rtol=1e-12)


@pytest.mark.stat
def test_without_excitation_it_is_poisson(key):
    poisson = events(jax.random.split(key, 1000), Hawkes(2.0, 0.0, 1.0), 10.0)
    assert_mean(poisson.count, 20.0)
    assert_mean((np.asarray(poisson.count) - 20.0) ** 2, 20.0)


def test_events_are_ascending_and_inside(sample):
    times, count = np.asarray(sample.times), np.asarray(sample.count)
    used = np.arange(PLACES)[None, :] < count[:, None]
    assert np.all(np.isfinite(times) == used)
    assert np.all(times[used] <= 100.0)
    assert np.all(np.diff(np.where(used, times, 1e9 + np.arange(PLACES)[None, :]), axis=1) > 0.0)


def test_running_out_of_places_is_reported(key):
    """The path does not depend on the horizon, so the horizon can be put exactly on an event."""
    draw = jax.jit(lambda horizon: PROCESS.events(key, horizon=horizon, max_events=8))
    cut = draw(1e6)
    assert cut.overflowed
    assert cut.count == 8
    on_the_last = draw(cut.times[-1])  # as many events as places is enough
    assert not on_the_last.overflowed
    assert on_the_last.count == 8
    before_the_last = draw(0.5 * (cut.times[-1] + cut.times[-2]))
    assert not before_the_last.overflowed
    assert before_the_last.count == 7
    np.testing.assert_array_equal(before_the_last.times[:7], cut.times[:7])
    assert before_the_last.times[7] == jnp.inf


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0.0, 0.5, 1.0), "baseline"), ((1.0, 1.0, 1.0), "branching_ratio"), ((1.0, -0.1, 1.0), "branching_ratio"),
     ((1.0, 0.5, 0.0), "decay")],
)  # fmt: skip
def test_parameters_out_of_range_are_named(arguments, name):
    with pytest.raises(ValueError, match=rf"{name} must lie in"):
        Hawkes(*arguments)


def test_arguments_are_checked(key):
    with pytest.raises(ValueError, match=r"horizon must lie in .*, was 0"):
        PROCESS.events(key, horizon=0.0, max_events=4)
    with pytest.raises(ValueError, match=r"max_events must be at least 1, was 0"):
        PROCESS.events(key, horizon=1.0, max_events=0)
