"""Likelihood, intensity and going on from a state: slow twins, the score's moments, and blocks that add up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.stochastic import Hawkes
from tests.statistics import assert_mean

TRUTH = jnp.array([1.0, 0.6, 2.0])
TIMES = jnp.array([0.5, 2.0, 2.1, 5.0, jnp.inf, jnp.inf])
draw = jax.jit(jax.vmap(lambda key: Hawkes(*TRUTH).events(key, horizon=50.0, max_events=400).times))


def log_likelihood(parameters, times):
    return Hawkes(*parameters).log_likelihood(times, horizon=50.0)


score_many = jax.jit(jax.vmap(jax.grad(log_likelihood), in_axes=(None, 0)))
hessian_many = jax.jit(jax.vmap(jax.hessian(log_likelihood), in_axes=(None, 0)))


def slow_intensity(t, times):
    return 1.0 + 0.6 * 2.0 * sum(np.exp(-2.0 * (t - s)) for s in times if s < t)


def test_against_the_double_loop():
    happened = [0.5, 2.0, 2.1, 5.0]
    process = Hawkes(*TRUTH)
    compensator = 50.0 + 0.6 * sum(1 - np.exp(-2.0 * (50.0 - s)) for s in happened)
    expected = sum(np.log(slow_intensity(t, happened)) for t in happened) - compensator
    np.testing.assert_allclose(process.log_likelihood(TIMES, horizon=50.0), expected, rtol=1e-12)
    at = jnp.array([0.0, 0.5, 0.6, 2.05, 49.0, 2.1])
    np.testing.assert_allclose(process.intensity(TIMES, at), [slow_intensity(t, happened) for t in at], rtol=1e-12)


def test_no_event_is_a_poisson_probability():
    # exp(-mu T) for nothing, whatever the excitation.
    np.testing.assert_allclose(Hawkes(0.3, 0.5, 1.0).log_likelihood(jnp.full(3, jnp.inf), horizon=4.0), -1.2)


@pytest.mark.stat
def test_the_score_has_mean_zero_and_the_information_as_its_covariance(key):
    """Bartlett's identities at the truth."""
    times = draw(jax.random.split(stream(key, "score"), 2000))
    score, hessian = np.asarray(score_many(TRUTH, times)), np.asarray(hessian_many(TRUTH, times))
    assert_mean(score, 0.0)
    assert_mean(score[:, :, None] * score[:, None, :] + hessian, 0.0)


@pytest.mark.slow
@pytest.mark.stat
def test_maximum_likelihood_recovers_the_parameters(key):
    """Newton's method from the truth on 400 paths; bias of order 1 / events."""
    times = draw(jax.random.split(stream(key, "fit"), 400))
    point = jnp.broadcast_to(TRUTH, (400, 3))
    step = jax.jit(
        jax.vmap(lambda p, t: p - jnp.linalg.solve(jax.hessian(log_likelihood)(p, t), jax.grad(log_likelihood)(p, t)))
    )
    for _ in range(6):
        point = jnp.clip(step(point, times), 0.05, jnp.array([[5.0, 0.95, 20.0]]))
    assert_mean(np.asarray(point)[:, 0], 1.0, bias=0.06)
    assert_mean(np.asarray(point)[:, 1], 0.6, bias=0.04)


@pytest.mark.stat
def test_blocks_add_up_to_the_whole(key):
    """Two stretches of 5 have the moments of one of 10, and the joined path the martingale of one process."""
    process = Hawkes(1.0, 0.8, 2.0)

    def halves(key):
        middle, first = process.events_from(process.init(), stream(key, "a"), until=5.0, max_events=150)
        end, second = process.events_from(middle, stream(key, "b"), until=10.0, max_events=150)
        whole = process.events(stream(key, "c"), horizon=10.0, max_events=300)
        joined = jnp.sort(jnp.concatenate([first.times, second.times]))
        counts = (first.count + second.count).astype(float), whole.count.astype(float)
        return counts, process.compensator(joined, 10.0), end.excess, process.intensity(joined, 10.0)

    (joined, whole), compensator, excess, intensity = jax.jit(jax.vmap(halves))(jax.random.split(key, 2000))
    assert_mean(joined - whole, 0.0)
    assert_mean(joined**2 - whole**2, 0.0)
    assert_mean(joined - compensator, 0.0)
    assert_mean((joined - compensator) ** 2 - compensator, 0.0)
    np.testing.assert_allclose(excess, intensity - 1.0, rtol=1e-9, atol=1e-12)  # the state is what the events say


def test_another_baseline_from_the_middle_on(key):
    """Without excitation a block with twice the baseline has twice the events."""
    calm, busy = Hawkes(2.0, 0.0, 1.0), Hawkes(8.0, 0.0, 1.0)

    def both(key):
        state, first = calm.events_from(calm.init(), stream(key, "a"), until=5.0, max_events=60)
        _, second = busy.events_from(state, stream(key, "b"), until=10.0, max_events=120)
        return first.count, second.count, jnp.min(second.times)

    first, second, start = jax.jit(jax.vmap(both))(jax.random.split(key, 1000))
    assert_mean(first, 10.0)
    assert_mean(second, 40.0)
    assert np.all(start > 5.0)


def test_bad_paths_are_refused():
    process = Hawkes(1.0, 0.5, 2.0)
    for wrong in ([2.0, 1.0], [-0.1, 1.0], [0.5, jnp.nan]):
        with pytest.raises(RuntimeError, match="must be >= 0 and ascending"):
            process.log_likelihood(jnp.array(wrong), horizon=5.0)
    with pytest.raises(RuntimeError, match="beyond the horizon"):
        process.log_likelihood(jnp.array([1.0, 6.0]), horizon=5.0)
    with pytest.raises(ValueError, match="horizon must lie in"):
        process.log_likelihood(jnp.array([1.0, 6.0]), horizon=0.0)
