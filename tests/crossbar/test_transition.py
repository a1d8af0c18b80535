import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.crossbar import Phase, Transition, Trigger
from aurora_jax.crossbar.phases import RULES, advance, transition_table

LEVELS = {"index_on": 2.0, "index_off": 1.0, "momentum_on": 0.5, "momentum_off": 0.2, "volatility_min": 0.01}
transition = Transition(**LEVELS, min_transition_bars=3, volume_share_min=0.3)


@eqx.filter_jit
def scan(machine, index, momentum, volatility, volume=None):
    def step(state, bar):
        return machine.step(state, crossbar=bar[0], momentum=bar[1], volatility=bar[2], volume_share=bar[3])

    return jax.lax.scan(step, machine.init(), (index, momentum, volatility, volume))[1]


def run(index, momentum=None, volatility=None, volume=None, *, machine=transition):
    index = jnp.asarray(index, float)
    momentum = jnp.full_like(index, 1.0) if momentum is None else jnp.asarray(momentum, float)
    volatility = jnp.full_like(index, 0.02) if volatility is None else jnp.asarray(volatility, float)
    return scan(machine, index, momentum, volatility, None if volume is None else jnp.asarray(volume, float))


def test_a_transition_by_hand():
    #        below, on, between, below (too early), on again, below: ends, between, on: starts again
    info = run([0.5, 2.5, 1.5, 0.5, 2.5, 0.5, 1.5, 2.5])
    np.testing.assert_array_equal(info.in_transition, [0, 1, 1, 1, 1, 0, 0, 1])
    np.testing.assert_array_equal(info.started, [0, 1, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(info.ended, [0, 0, 0, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(info.refused, [0, 0, 0, 1, 0, 0, 0, 0])
    calm, quiet, onset = Trigger.CALM, Trigger.QUIET, Trigger.ONSET
    np.testing.assert_array_equal(info.trigger, [calm, onset, quiet, calm, onset, calm, quiet, onset])


def test_it_lasts_at_least_the_shortest_duration():
    info = run([2.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(info.in_transition, [1, 1, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(info.refused, [0, 1, 1, 0, 0, 0, 0, 0])


def test_momentum_has_its_own_hysteresis_and_no_sign():
    info = run([2.5] * 8, momentum=[0.3, -0.6, -0.3, 0.3, 0.3, -0.1, 0.3, 0.6])
    np.testing.assert_array_equal(info.in_transition, [0, 1, 1, 1, 1, 0, 0, 1])


def test_a_still_market_refuses_to_start_one_but_does_not_end_it():
    info = run([2.5] * 8, volatility=[0.005, 0.01, 0.02, 0.005, 0.005, 0.005, 0.005, 0.005])
    np.testing.assert_array_equal(info.in_transition, [0, 0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(info.refused, [1, 1, 0, 0, 0, 0, 0, 0])


def test_volume_is_a_gate_where_the_stream_has_it():
    thin = run([2.5] * 8, volume=[0.1, 0.3, 0.31, 0.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(thin.in_transition, [0, 0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(thin.refused, [1, 1, 0, 0, 0, 0, 0, 0])
    assert bool(run([2.5] * 8).in_transition[0])


def test_levels_themselves_are_neither_above_nor_below():
    info = run([2.0, 2.5, 1.0, 1.0, 1.0, 1.0, 0.99, 2.0])
    np.testing.assert_array_equal(info.in_transition, [0, 1, 1, 1, 1, 1, 0, 0])


def test_a_measurement_that_is_not_finite_starts_and_ends_nothing():
    info = run([jnp.nan, 2.5, 2.5, 2.5, jnp.nan, 2.5, 2.5, 2.5], momentum=[1, 1, 1, 1, 1, jnp.nan, 1, 1])
    np.testing.assert_array_equal(info.in_transition, [0, 1, 1, 1, 1, 1, 1, 1])
    assert not np.any(info.refused)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 4.0), min_size=8, max_size=8), st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8))
def test_laws_of_any_path(index, momentum):
    info = run(index, momentum)
    inside = np.concatenate([[False], info.in_transition])
    np.testing.assert_array_equal(info.started, inside[1:] & ~inside[:-1])
    np.testing.assert_array_equal(info.ended, ~inside[1:] & inside[:-1])
    # Every completed stay lasts three bars or more.
    stays = ["".join(group) for _, group in itertools.groupby("".join("1" if i else "0" for i in inside[1:]))]
    assert all(len(stay) >= 3 for stay in stays[:-1] if stay[0] == "1")
    # No transition without a bar above both upper levels.
    assert not np.any(info.started & ~((np.array(index) > 2.0) & (np.array(momentum) > 0.5)))


def test_the_table_is_complete_about_what_it_refuses():
    table = np.array(transition_table())
    for phase, trigger in itertools.product(Phase, Trigger):
        moved = advance(jnp.asarray(int(phase), int), jnp.asarray(int(trigger), int))
        assert bool(moved.refused) == ((phase, trigger) not in RULES)
        assert int(moved.after) == RULES.get((phase, trigger), phase)
    assert table.shape == (3, 5)


def test_a_grid_of_levels_is_one_vmap():
    def machine(index_on):
        return Transition(**{**LEVELS, "index_on": index_on}, min_transition_bars=1)

    def bars(index_on):
        info = run([1.2, 1.7, 2.2, 2.7, 0.0, 0.0, 0.0, 0.0], machine=machine(index_on))
        return jnp.sum(info.in_transition)

    np.testing.assert_array_equal(jax.vmap(bars)(jnp.array([1.0, 1.5, 2.0, 2.5])), [4, 3, 2, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"index_off": 3.0}, "index_off must not exceed index_on, was 3, 2"),
        ({"momentum_off": 0.6}, "momentum_off must not exceed momentum_on, was 0.6, 0.5"),
        ({"volatility_min": -1.0}, "volatility_min must be >= 0, was -1"),
        ({"min_transition_bars": 0}, "min_transition_bars must be at least 1, was 0"),
        ({"volume_share_min": 1.0}, r"volume_share_min must lie in \[0, 1\), was 1"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Transition(**{**LEVELS, "min_transition_bars": 3, **change})
