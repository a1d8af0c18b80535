"""Laws of the machine over random paths: what no sequence of scores, guards and commands may ever do."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aurora_jax.governance import NO_RULE, RULES, Decision, GuardFlags, Trigger, transition_table
from tests.governance.paths import acceptance, machines, paths, run, step

P, D, B = Decision
laws = settings(max_examples=60, deadline=None)


def before(decision):
    return np.concatenate([[P], decision[:-1]])


def test_the_table_holds_the_rules_and_nothing_else():
    table = np.asarray(transition_table())
    assert {(Decision(s), Trigger(t)): Decision(table[s, t]) for s, t in np.argwhere(table != NO_RULE)} == dict(RULES)
    left = {(s, t): after for (s, t), after in RULES.items() if after is not s}
    assert left == {
        (P, Trigger.WEAKEN): D,
        (P, Trigger.BREACH): B,
        (P, Trigger.KILL): B,
        (D, Trigger.BREACH): B,
        (D, Trigger.KILL): B,
        (D, Trigger.RECOVER): P,
        (B, Trigger.COOL): D,
        (B, Trigger.CLEAR): P,
    }


@laws
@given(machines, paths)
def test_every_move_is_a_rule_and_every_refusal_is_not(machine, inputs):
    _, info = run(machine, inputs)
    start, after = before(np.asarray(info.decision)), np.asarray(info.decision)
    for old, new, trigger, refused in zip(
        start, after, np.asarray(info.trigger), np.asarray(info.refused), strict=True
    ):
        assert (old == new) if trigger < 0 else RULES[Decision(old), Trigger(trigger)] == new
        for code in np.flatnonzero(refused):
            assert code == Trigger.RELEASE or (Decision(old), Trigger(code)) not in RULES
    np.testing.assert_array_equal(info.switched, start != after)


@laws
@given(machines, paths)
def test_under_a_hard_guard_a_breach_or_a_kill_the_state_is_block(machine, inputs):
    _, info = run(machine, inputs)
    strict = inputs.hard.any(1) | (np.asarray(info.score) < 0.4) | (np.asarray(info.score) < 0) | inputs.kill
    assert (np.asarray(info.decision)[strict] == B).all()
    assert (np.asarray(info.decision)[np.asarray(info.killed)] == B).all()


@laws
@given(machines, paths)
def test_a_state_is_never_left_upwards_before_its_dwell(machine, inputs):
    """Between entering a state and loosening it lie at least the bars its row of the table asks for."""
    after = np.asarray(run(machine, inputs)[1].decision)
    start = before(after)
    entered = 0
    for bar in np.flatnonzero(start != after):
        stayed, move = bar - entered, (start[bar], after[bar])
        least = {
            (D, P): int(machine.dwell_derisk_bars),
            (B, D): int(machine.cooldown_block_bars),
            (B, P): int(machine.clean_window_bars),
            (P, D): int(machine.dwell_pass_bars) - (entered == 0),  # the first bar counts as entered before it
        }
        assert stayed >= least.get(move, 0)
        entered = bar


@laws
@given(machines, paths)
def test_leaving_block_needs_a_release_after_the_last_kill(machine, inputs):
    after = np.asarray(run(machine, inputs)[1].decision)
    left = np.flatnonzero((before(after) == B) & (after != B))
    for bar in left:
        kills = np.flatnonzero(inputs.kill[: bar + 1])
        assert not kills.size or inputs.release[kills[-1] + 1 : bar + 1].any()
        assert not inputs.hard[bar].any()


@laws
@given(machines, paths, st.integers(0, 9), st.integers(1, 10))
def test_more_penalty_never_loosens_the_path(machine, inputs, guard, twentieths):
    """Without the fast path, which lets a blocked path overtake one that waits in DERISK."""
    machine = eqx.tree_at(lambda m: m.fast_path, machine, jnp.array(False))
    heavier = eqx.tree_at(lambda m: m.penalties, machine, machine.penalties.at[guard].add(twentieths / 20))
    loose, strict = run(machine, inputs)[1], run(heavier, inputs)[1]
    assert (np.asarray(strict.decision) >= np.asarray(loose.decision)).all()


@laws
@given(machines, paths, st.integers(0, 19), st.integers(0, 9))
def test_less_certainty_or_one_more_guard_never_loosens_the_path(machine, inputs, bar, guard):
    machine = eqx.tree_at(lambda m: m.fast_path, machine, jnp.array(False))
    worse = inputs._replace(kappa_plus=inputs.kappa_plus.copy(), soft=inputs.soft.copy())
    worse.kappa_plus[bar:] = np.minimum(worse.kappa_plus[bar:] + 0.2, 1.0)
    worse.soft[bar, guard] = True
    loose, strict = run(machine, inputs)[1], run(machine, worse)[1]
    assert (np.asarray(strict.decision) >= np.asarray(loose.decision)).all()


@laws
@given(machines, paths, st.integers(0, 47), st.integers(0, 9), st.integers(1, 10))
def test_more_penalty_never_loosens_one_step_even_on_the_fast_path(machine, inputs, bar, guard, twentieths):
    states, info = run(machine, inputs)
    assume(bar > 0)
    state = type(states)(*(leaf[bar - 1] for leaf in states))
    heavier = eqx.tree_at(lambda m: m.penalties, machine, machine.penalties.at[guard].add(twentieths / 20))
    flags = GuardFlags(inputs.soft[bar], inputs.hard[bar])
    _, strict = step(heavier, state, inputs.kappa_plus[bar], flags, inputs.kill[bar], inputs.release[bar])
    assert strict.decision >= info.decision[bar]


@laws
@given(paths)
def test_the_score_is_certainty_less_the_raised_guards_penalties(inputs):
    machine = acceptance(penalties=jnp.arange(10) / 100)
    _, info = run(machine, inputs)
    raised = inputs.soft | inputs.hard
    np.testing.assert_array_equal(info.reasons, raised)
    np.testing.assert_allclose(info.penalties, raised * np.arange(10) / 100)
    np.testing.assert_allclose(info.score, 1 - inputs.kappa_plus - (raised * np.arange(10) / 100).sum(1), atol=1e-15)
    np.testing.assert_array_equal(info.score_before_penalties, 1 - inputs.kappa_plus)
