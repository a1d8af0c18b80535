"""Mutually exciting processes: linear equations for their mean, the time change, and reductions to one component."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm
from scipy.optimize import minimize

from aurora_jax.core import stream
from aurora_jax.stochastic import Hawkes, MarkedEvents, MultivariateHawkes, stable_branching
from tests.statistics import assert_mean

BASELINE, DECAY = np.array([0.5, 0.0, 1.0]), 2.0
# Asymmetric: component 1 has no baseline and lives on what component 0 and 2 cause.
BRANCHING = np.array([[0.3, 0.0, 0.2], [0.6, 0.1, 0.0], [0.0, 0.4, 0.1]])
PROCESS = MultivariateHawkes(BASELINE, BRANCHING, DECAY)
HORIZON, PLACES = 20.0, 160
draw = jax.jit(jax.vmap(lambda key: PROCESS.events(key, horizon=HORIZON, max_events=PLACES)))


@eqx.filter_jit
def look(baseline, branching, decay, events, at):
    """All that is asked of one path, in one compilation."""
    process = MultivariateHawkes(baseline, branching, decay)
    likelihood = process.log_likelihood(events, horizon=HORIZON)
    return likelihood, process.intensity(events, at), process.compensator(events, at)


compensators = jax.jit(jax.vmap(lambda e: PROCESS.compensator(e, jnp.append(e.times, HORIZON))))


@pytest.fixture(scope="module")
def sample():
    return draw(jax.random.split(jax.random.key(21), 2000))


def path(times, component):
    padding = PLACES - len(times)
    return MarkedEvents(
        np.array([*times, *[np.inf] * padding]),
        np.array([*component, *[-1] * padding]),
        np.array(len(times)),
        np.array(False),
    )


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
    growth = expected_counts(1001.0) - expected_counts(1000.0)
    np.testing.assert_allclose(jax.jit(lambda: PROCESS.stationary_rates)(), growth, rtol=1e-6)


@pytest.mark.stat
def test_counts_less_compensators_are_martingales_that_do_not_know_each_other(sample):
    """Mean 0, variance the mean count, uncorrelated between components."""
    counts = (np.asarray(sample.component)[:, :, None] == np.arange(3)).sum(axis=1)
    compensator = np.asarray(compensators(sample))[:, -1]
    gap = counts - compensator
    assert_mean(gap, 0.0)
    assert_mean(gap[:, :, None] * gap[:, None, :] - compensator[:, :, None] * np.eye(3), 0.0)


@pytest.mark.stat
def test_each_component_in_its_own_time_is_poisson(sample):
    """All gaps on an axis that strings the paths together: none is cut off by the horizon."""
    mapped = np.asarray(compensators(sample))
    for own in range(3):
        ends = np.concatenate([[0.0], np.cumsum(mapped[:, -1, own])])[:-1]
        there = (mapped[:, :-1, own] + ends[:, None])[np.asarray(sample.component) == own]
        gaps = np.diff(there, prepend=0.0)
        assert stats.kstest(gaps, "expon").pvalue > 1e-3
        assert_mean((gaps[1:] - 1.0) * (gaps[:-1] - 1.0), 0.0)


def test_against_the_double_loop():
    times, component = [0.5, 2.0, 2.1], [0, 2, 1]
    past = list(zip(times, component, strict=True))

    def rate(t, i):
        return BASELINE[i] + DECAY * sum(BRANCHING[i, c] * np.exp(-DECAY * (t - s)) for s, c in past if s < t)

    def integrated(t, i):
        return BASELINE[i] * t + sum(BRANCHING[i, c] * (1 - np.exp(-DECAY * (t - s))) for s, c in past if s < t)

    at = np.array([0.0, 0.5, 1.0, 2.05, 9.0])
    likelihood, intensity, compensator = look(BASELINE, BRANCHING, DECAY, path(times, component), at)
    expected = sum(np.log(rate(t, c)) for t, c in past) - sum(integrated(HORIZON, i) for i in range(3))
    np.testing.assert_allclose(likelihood, expected, rtol=1e-12)
    np.testing.assert_allclose(intensity, [[rate(t, i) for i in range(3)] for t in at], rtol=1e-12)
    np.testing.assert_allclose(compensator, [[integrated(t, i) for i in range(3)] for t in at], rtol=1e-12)


def test_in_the_long_run_all_children_are_born():
    """At infinity a component without baseline has had exactly the expected children of what happened."""
    _, _, compensator = look(BASELINE, BRANCHING, DECAY, path([1.0, 2.0], [0, 1]), np.full(5, np.inf))
    np.testing.assert_allclose(compensator[0], [np.inf, 0.6 + 0.1, np.inf], rtol=1e-12)


def test_one_component_is_the_univariate_process(key):
    """The same likelihood, intensity and compensator."""
    alone, at = Hawkes(1.0, 0.8, 2.0), np.array([0.1, 3.0, 10.0, 0.5, 7.0])

    @jax.jit
    def both(key):
        drawn = alone.events(key, horizon=HORIZON, max_events=PLACES)
        marked = MarkedEvents(drawn.times, jnp.where(jnp.isfinite(drawn.times), 0, -1), drawn.count, drawn.overflowed)
        likelihood = alone.log_likelihood(drawn.times, horizon=HORIZON)
        return marked, (
            likelihood,
            alone.intensity(drawn.times, jnp.asarray(at)),
            alone.compensator(drawn.times, jnp.asarray(at)),
        )

    marked, (likelihood, intensity, compensator) = jax.tree.map(np.asarray, both(key))
    found = look(np.array([1.0]), np.array([[0.8]]), 2.0, marked, at)
    np.testing.assert_allclose(found[0], likelihood, rtol=1e-10)
    np.testing.assert_allclose(found[1][:, 0], intensity, rtol=1e-10)
    np.testing.assert_allclose(found[2][:, 0], compensator, rtol=1e-10)


def test_components_may_be_renamed(sample):
    order, at = np.array([2, 0, 1]), np.linspace(0.0, 20.0, 5)
    before = jax.tree.map(lambda a: np.asarray(a)[0], sample)
    there = np.append(np.argsort(order), -1)[before.component]
    renamed = look(BASELINE[order], BRANCHING[np.ix_(order, order)], DECAY, before._replace(component=there), at)
    plain = look(BASELINE, BRANCHING, DECAY, before, at)
    np.testing.assert_allclose(renamed[0], plain[0], rtol=1e-10)
    for ours, theirs in zip(renamed[1:], plain[1:], strict=True):
        np.testing.assert_allclose(ours, theirs[:, order], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.stat
def test_blocks_with_their_own_baselines(key):
    """The mean count of the second block from the excess of the first: linear equations, started where it ended."""
    late = MultivariateHawkes(np.array([0.0, 2.0, 0.0]), BRANCHING, DECAY)

    def both(key):
        middle, first = PROCESS.events_from(PROCESS.init(), stream(key, "a"), until=4.0, max_events=60)
        end, second = late.events_from(middle, stream(key, "b"), until=8.0, max_events=60)
        counts = jnp.sum(second.component[:, None] == jnp.arange(3)[None, :], axis=0)
        return middle.excess, counts, end.excess, first.overflowed | second.overflowed, jnp.min(second.times)

    excess, counts, at_end, overflowed, start = jax.jit(jax.vmap(both))(jax.random.split(key, 4000))
    assert not np.any(overflowed)
    assert np.all(start > 4.0)
    rates = np.zeros((7, 7))  # of 1, excess, count
    rates[1:4, 0] = DECAY * BRANCHING @ np.array([0.0, 2.0, 0.0])
    rates[1:4, 1:4] = DECAY * (BRANCHING - np.eye(3))
    rates[4:, 0], rates[4:, 1:4] = [0.0, 2.0, 0.0], np.eye(3)
    start = np.column_stack([np.ones(4000), excess, np.zeros((4000, 3))])
    moments = start @ expm(4.0 * rates).T
    assert_mean(np.asarray(counts) - moments[:, 4:], 0.0)
    assert_mean(np.asarray(at_end) - moments[:, 1:4], 0.0)


@pytest.mark.slow
@pytest.mark.stat
def test_the_score_has_mean_zero_and_the_information_as_its_covariance(sample):
    """Bartlett's identities for the branching matrix."""

    def likelihood(branching, events):
        return MultivariateHawkes(BASELINE, branching, DECAY).log_likelihood(events, horizon=HORIZON)

    def both(events):
        at = jnp.asarray(BRANCHING)
        return jax.grad(likelihood)(at, events), jax.hessian(likelihood)(at, events)

    score, hessian = (np.asarray(part) for part in jax.jit(jax.vmap(both))(sample))
    assert_mean(score, 0.0)
    assert_mean(score[:, :, :, None, None] * score[:, None, None, :, :] + hessian, 0.0)


@pytest.mark.slow
@pytest.mark.stat
def test_maximum_likelihood_recovers_the_branching_matrix(sample):
    """From afar, in the coordinates of `stable_branching`; standard errors from the information."""
    truth = np.array([[0.3, 0.1, 0.2], [0.4, 0.1, 0.1], [0.1, 0.3, 0.2]])
    process = MultivariateHawkes(np.array([0.5, 0.5, 1.0]), truth, DECAY)
    events = jax.jit(jax.vmap(lambda key: process.events(key, horizon=HORIZON, max_events=240)))(
        jax.random.split(jax.random.key(3), 500)
    )

    def likelihood(branching, events):
        return MultivariateHawkes(process.baseline, branching, DECAY).log_likelihood(events, horizon=HORIZON)

    def pooled(raw):
        branching = stable_branching(raw.reshape(3, 3), radius=1.0)
        return -jnp.mean(jax.vmap(likelihood, (None, 0))(branching, events))

    def information(branching):
        return -jnp.sum(jax.vmap(jax.hessian(likelihood), (None, 0))(branching, events), axis=0).reshape(9, 9)

    found = minimize(jax.jit(jax.value_and_grad(pooled)), np.full(9, -3.0), jac=True, method="BFGS")
    fitted = np.asarray(stable_branching(jnp.asarray(found.x).reshape(3, 3), radius=1.0))
    errors = np.sqrt(np.diag(np.linalg.inv(jax.jit(information)(jnp.asarray(fitted))))).reshape(3, 3)
    assert np.all(errors < 0.05)
    assert np.all(np.abs(fitted - truth) < 4.0 * errors)


def test_running_out_of_places_is_reported(key):
    """As many events as places is enough; one more is not, and the state is that of the last event with a place."""
    run = jax.jit(lambda until: PROCESS.events_from(PROCESS.init(), key, until=until, max_events=8))
    state, cut = run(1e4)
    assert cut.overflowed
    assert cut.count == 8
    assert np.all(np.isfinite(cut.times))
    assert np.all(cut.component >= 0)
    assert state.time == cut.times[-1]
    faded = np.exp(-DECAY * np.asarray(cut.times[-1] - cut.times))
    expected = DECAY * BRANCHING[:, np.asarray(cut.component)] @ faded
    np.testing.assert_allclose(state.excess, expected, rtol=1e-10)
    enough = run(cut.times[-1])[1]
    assert not enough.overflowed
    np.testing.assert_array_equal(enough.times, cut.times)
    np.testing.assert_array_equal(enough.component, cut.component)


def test_bad_parameters_are_refused(key):
    with pytest.raises(ValueError, match=r"spectral radius of branching must be less than 1, was 1\.2"):
        MultivariateHawkes(BASELINE[:2], np.array([[0.0, 1.2], [1.2, 0.0]]), 1.0)
    with pytest.raises(ValueError, match=r"spectral radius of branching must be less than 1, was 1\."):
        MultivariateHawkes(BASELINE[:2], np.array([[1.0, 5.0], [0.0, 0.0]]), 1.0)
    with pytest.raises(ValueError, match=r"branching must lie in .*, was -0\.1"):
        MultivariateHawkes(BASELINE[:2], np.array([[0.0, -0.1], [0.2, 0.0]]), 1.0)
    with pytest.raises(ValueError, match="branching must lie in"):
        MultivariateHawkes(BASELINE[:2], np.array([[0.0, np.nan], [0.2, 0.0]]), 1.0)
    with pytest.raises(ValueError, match="some baseline must be > 0"):
        MultivariateHawkes(np.zeros(2), np.zeros((2, 2)), 1.0)
    with pytest.raises(ValueError, match="decay must lie in"):
        MultivariateHawkes(BASELINE, BRANCHING, 0.0)
    with pytest.raises(ValueError, match="max_events must be at least 1"):
        PROCESS.events(key, horizon=1.0, max_events=0)
    with pytest.raises(ValueError, match="horizon must lie in"):
        PROCESS.events(key, horizon=-1.0, max_events=3)
    late = PROCESS.init()._replace(time=jnp.asarray(3.0))
    with pytest.raises(ValueError, match="until must not lie before the state's time, was 2"):
        PROCESS.events_from(late, key, until=2.0, max_events=3)


@pytest.mark.parametrize(
    ("times", "component", "why"),
    [([2.0, 1.0], [0, 1], "must be >= 0 and ascending"), ([1.0, 30.0], [0, 1], "beyond the horizon"),
     ([1.0, 2.0], [0, 3], "does not exist"), ([1.0, 2.0], [0, -1], "does not exist")],
)  # fmt: skip
def test_bad_paths_are_refused(times, component, why):
    with pytest.raises(RuntimeError, match=why):
        look(BASELINE, BRANCHING, DECAY, path(times, component), np.zeros(5))
