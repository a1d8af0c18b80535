import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome, Regime
from aurora_jax.engine import expected_shortfall
from aurora_jax.engine.scenario_set import join
from tests.small_engine import BARS, HISTORY_BARS, WARM_UP_BARS, assert_bitwise, small, walk


@pytest.fixture(scope="module")
def trio():
    return small("TRIO")


@pytest.fixture(scope="module")
def state():
    return walk("TRIO").states[-1]


@pytest.fixture(scope="module")
def allocate(trio):
    return eqx.filter_jit(trio.engine.allocate)


def test_weights_sum_to_one_within_bounds_with_a_small_gap(allocate, state):
    after, allocation = allocate(state)
    assert allocation.outcome == Outcome.OK
    assert jnp.sum(allocation.weights) == pytest.approx(1.0, abs=1e-9)
    assert jnp.all((allocation.weights >= -0.2 - 1e-9) & (allocation.weights <= 1.0 + 1e-9))
    assert abs(float(allocation.duality_gap)) < 1e-6
    assert allocation.worst_case_es > allocation.es > 0.0
    np.testing.assert_array_equal(after.weights, allocation.weights)
    assert after.bars_since_rebalance == 0
    assert_bitwise(after._replace(weights=state.weights, bars_since_rebalance=state.bars_since_rebalance), state)


def test_no_other_weights_have_a_smaller_worst_case(trio, allocate, state):
    """Against random feasible weights: worst-case ES = ES + radius / p |w|, with the radius of the docstring."""
    _, allocation = allocate(state)
    rows, probabilities = join(trio.engine.scenarios, state.history, state.climate.probabilities)

    def shortfall(weights):
        return float(expected_shortfall(-rows @ weights, probabilities, tail_probability=0.1))

    strain = 1.5 if state.climate.regime == Regime.TRANS else 1.0
    strain *= 1.0 + 0.2 * min(float(state.climate.crossbar), 2.0)
    penalty = 0.1 * shortfall(jnp.full(3, 1.0 / 3.0)) * strain

    def objective(weights):
        return shortfall(weights) + penalty * float(jnp.linalg.norm(weights))

    best = objective(allocation.weights)
    assert float(allocation.worst_case_es) == pytest.approx(best, rel=1e-6)
    rng = np.random.default_rng(5)
    others = rng.dirichlet(np.ones(3), 30) * 1.6 - 0.2
    assert min(objective(jnp.asarray(weights)) for weights in others) > best - 1e-9


def test_weights_are_asked_for_when_history_is_full_and_then_regularly(trio):
    """The first live bar is later than the first full history, so it asks; without an answer each later bar asks."""
    asked = [bool(info.rebalance) for info in walk("TRIO").infos]
    assert HISTORY_BARS < WARM_UP_BARS
    assert asked == [False] * WARM_UP_BARS + [True] * (BARS - WARM_UP_BARS)
    state, never = walk("TRIO").states[-1], jnp.zeros((), bool)
    for since, started, due in ((9, False, False), (10, False, True), (4, True, False), (5, True, True)):
        waiting = state._replace(bars_since_rebalance=jnp.asarray(since))
        assert trio.engine.needs_weights(waiting, transition_started=never | started) == due
    short = state._replace(history=state.history._replace(count=jnp.asarray(HISTORY_BARS - 1)))
    assert not trio.engine.needs_weights(short, transition_started=~never)
