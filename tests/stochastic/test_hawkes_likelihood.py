"""Likelihood, intensity and going on from a state: slow twins, the score's moments, and blocks that add up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from aurora_jax.core import stream
from aurora_jax.stochastic import Hawkes
from tests.statistics import assert_mean

TRUTH = np.array([1.0, 0.6, 2.0])
HAPPENED = [0.5, 2.0, 2.1, 5.0]
TIMES = jnp.array([*HAPPENED, jnp.inf, jnp.inf])
HORIZON, PLACES = 30.0, 240


def log_likelihood(parameters, times):
    return Hawkes(*parameters).log_likelihood(times, horizon=HORIZON)


def draw(key, count):
    process = Hawkes(*TRUTH)
    many = jax.vmap(lambda key: process.events(key, horizon=HORIZON, max_events=PLACES))
    return jax.jit(many)(jax.random.split(key, count)).times


def slow_intensity(t, times):
    return 1.0 + 0.6 * 2.0 * sum(np.exp(-2.0 * (t - s)) for s in times if s < t)


def slow_log_likelihood(times, horizon):
    """The textbook's double loop."""
    compensator = horizon + 0.6 * sum(1 - np.exp(-2.0 * (horizon - s)) for s in times)
    return sum(np.log(slow_intensity(t, times)) for t in times) - compensator


value = jax.jit(lambda parameters, times: log_likelihood(parameters, times))


def test_against_the_double_loop():
    np.testing.assert_allclose(value(TRUTH, TIMES), slow_log_likelihood(HAPPENED, HORIZON), rtol=1e-12)
    # No event has probability exp(-mu T), whatever the excitation.
    np.testing.assert_allclose(value(np.array([0.3, 0.5, 1.0]), jnp.full(6, jnp.inf)), -0.3 * HORIZON, rtol=1e-12)


def test_intensity_by_definition():
    at = jnp.array([0.0, 0.5, 0.6, 2.05, 49.0, 2.1])
    intensity = jax.jit(lambda at: Hawkes(*TRUTH).intensity(TIMES, at))
    np.testing.assert_allclose(intensity(at), [slow_intensity(t, HAPPENED) for t in np.asarray(at)], rtol=1e-12)


def test_gradients_are_those_of_finite_differences():
    """Also where most places are padding, whose infinities must not reach the derivative."""
    slope = jax.jit(jax.grad(log_likelihood))(TRUTH, TIMES)
    for i in range(3):
        bump = 1e-5 * np.eye(3)[i]
        expected = (value(TRUTH + bump, TIMES) - value(TRUTH - bump, TIMES)) / 2e-5
        np.testing.assert_allclose(slope[i], expected, rtol=1e-7)


@pytest.mark.slow
@pytest.mark.stat
def test_the_score_has_mean_zero_and_the_information_as_its_covariance(key):
    """Bartlett's identities at the truth."""
    times = draw(stream(key, "score"), 2000)
    score_and_hessian = jax.jit(
        jax.vmap(lambda t: (jax.grad(log_likelihood)(TRUTH, t), jax.hessian(log_likelihood)(TRUTH, t)))
    )
    score, hessian = (np.asarray(part) for part in score_and_hessian(times))
    assert_mean(score, 0.0)
    assert_mean(score[:, :, None] * score[:, None, :] + hessian, 0.0)


@pytest.mark.slow
@pytest.mark.stat
def test_maximum_likelihood_recovers_the_parameters_from_afar(key):
    """The pooled likelihood of 400 paths, whose information gives the standard errors."""
    times = draw(stream(key, "fit"), 400)

    def natural(free):
        return jnp.stack([jnp.exp(free[0]), jax.nn.sigmoid(free[1]), jnp.exp(free[2])])

    def pooled(free):
        return -jnp.mean(jax.vmap(log_likelihood, (None, 0))(natural(free), times))

    def information(parameters):
        return -jnp.sum(jax.vmap(jax.hessian(log_likelihood), (None, 0))(parameters, times), axis=0)

    found = minimize(
        jax.jit(jax.value_and_grad(pooled)), np.array([np.log(0.3), -1.4, np.log(8.0)]), jac=True, method="BFGS"
    )
    fitted = np.asarray(natural(found.x))
    errors = np.sqrt(np.diag(np.linalg.inv(jax.jit(information)(fitted))))
    assert np.all(errors < 0.05 * TRUTH)  # there is something to find
    assert np.all(np.abs(fitted - TRUTH) < 4.0 * errors)


@pytest.mark.slow
@pytest.mark.stat
def test_blocks_add_up_to_the_whole(key):
    """Two stretches of 5 have the moments of one of 10, and the joined path the martingale of one process."""
    process = Hawkes(1.0, 0.8, 2.0)

    def halves(key):
        middle, first = process.events_from(process.init(), stream(key, "a"), until=5.0, max_events=150)
        end, second = process.events_from(middle, stream(key, "b"), until=10.0, max_events=150)
        whole = process.events(stream(key, "c"), horizon=10.0, max_events=150)
        joined = jnp.sort(jnp.concatenate([first.times, second.times]))
        counts = (first.count + second.count).astype(float), whole.count.astype(float)
        return counts, process.compensator(joined, 10.0), end.excess, process.intensity(joined, 10.0)

    (joined, whole), compensator, excess, intensity = jax.jit(jax.vmap(halves))(jax.random.split(key, 2000))
    assert_mean(joined - whole, 0.0)
    assert_mean(joined**2 - whole**2, 0.0)
    assert_mean(joined - compensator, 0.0)
    assert_mean((joined - compensator) ** 2 - compensator, 0.0)
    np.testing.assert_allclose(excess, intensity - 1.0, rtol=1e-9, atol=1e-12)  # the state is what the events say


@pytest.mark.stat
def test_another_baseline_from_the_middle_on(key):
    """Without excitation a block with four times the baseline has four times the events."""
    calm, busy = Hawkes(2.0, 0.0, 1.0), Hawkes(8.0, 0.0, 1.0)

    def both(key):
        state, first = calm.events_from(calm.init(), stream(key, "a"), until=5.0, max_events=60)
        _, second = busy.events_from(state, stream(key, "b"), until=10.0, max_events=120)
        return first.count, second.count, jnp.min(second.times)

    first, second, start = jax.jit(jax.vmap(both))(jax.random.split(key, 1000))
    assert_mean(first, 10.0)
    assert_mean(second, 40.0)
    assert np.all(start > 5.0)


@pytest.mark.parametrize("wrong", [[2.0, 1.0], [-0.1, 1.0], [0.5, np.nan]])
def test_bad_paths_are_refused(wrong):
    process, wrong = Hawkes(1.0, 0.5, 2.0), jnp.array(wrong)
    for asked in (lambda: process.log_likelihood(wrong, horizon=5.0), lambda: process.compensator(wrong, 5.0),
                  lambda: process.intensity(wrong, 5.0)):  # fmt: skip
        with pytest.raises(RuntimeError, match="must be >= 0 and ascending"):
            asked()


def test_bad_arguments_are_refused(key):
    process, times = Hawkes(1.0, 0.5, 2.0), jnp.array([1.0, 6.0])
    with pytest.raises(RuntimeError, match="beyond the horizon"):
        process.log_likelihood(times, horizon=5.0)
    with pytest.raises(ValueError, match="horizon must lie in"):
        process.log_likelihood(times, horizon=0.0)
    for at in (-1.0, np.nan):
        with pytest.raises(RuntimeError, match="times asked for must be >= 0"):
            process.compensator(times, at)
    state = process.init()._replace(time=jnp.asarray(3.0))
    for until in (2.0, np.nan):
        with pytest.raises(ValueError, match=r"until must not lie before the state's time, was (2|nan)"):
            process.events_from(state, key, until=until, max_events=4)
    with pytest.raises(ValueError, match="max_events must be at least 1, was 0"):
        process.events_from(state, key, until=4.0, max_events=0)


def test_gradients_without_any_event_are_finite():
    """Nothing happened: log L = -mu T, so only mu matters; likewise before the first event."""
    empty = jnp.full(6, jnp.inf)
    np.testing.assert_allclose(jax.jit(jax.grad(log_likelihood))(TRUTH, empty), [-HORIZON, 0.0, 0.0], atol=1e-12)
    before = jax.grad(lambda p: Hawkes(*p).compensator(TIMES, 0.25))(TRUTH)
    np.testing.assert_allclose(before, [0.25, 0.0, 0.0], atol=1e-12)
    at_first = jax.grad(lambda p: Hawkes(*p).intensity(TIMES, 0.5))(TRUTH)
    np.testing.assert_allclose(at_first, [1.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.stat
def test_single_precision_has_the_same_law(key):
    """What the benchmark runs: the mean count 490 and the time change, in float32."""
    with jax.enable_x64(False):
        process = Hawkes(1.0, 0.8, 2.0)

        def one(key):
            path = process.events(key, horizon=100.0, max_events=1200)
            return path.count, path.overflowed, process.compensator(path.times, path.times)

        count, overflowed, mapped = map(np.asarray, jax.jit(jax.vmap(one))(jax.random.split(key, 400)))
    assert mapped.dtype == np.float32
    assert not np.any(overflowed)
    assert_mean(count, 490.0)
    gaps = np.concatenate([np.diff(row[np.isfinite(row)], prepend=0.0) for row in mapped[:20]])
    assert stats.kstest(gaps, "expon").pvalue > 1e-3


@pytest.mark.parametrize("wrong", [-0.1, np.nan])
def test_a_state_that_cannot_be_is_refused(key, wrong):
    process = Hawkes(1.0, 0.5, 2.0)
    state = process.init()._replace(excess=jnp.asarray(wrong))
    with pytest.raises(ValueError, match="excess must be >= 0, was"):
        process.events_from(state, key, until=4.0, max_events=4)
