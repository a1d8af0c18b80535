import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from aurora_jax.core import Outcome
from aurora_jax.governance import NO_TRIGGER, Acceptance, Decision, Guard, GuardFlags, Trigger, no_guards
from tests.governance.paths import acceptance, calm, machines, path, paths, run, step

P, D, B = Decision


def decisions(machine, segments, bars):
    return run(machine, path(segments))[1].decision[:bars].tolist()


# --- each row of the table, by hand: dwell 3 and 4, cooldown 5, clean window 3 --------------------------------------


def test_pass_weakens_after_its_dwell_by_low_score_or_soft_guard():
    assert decisions(acceptance(), [calm(1), calm(3, a=0.6)], 5) == [P, P, P, D, D]
    assert decisions(acceptance(), [calm(1), calm(3, soft=(Guard.WIDTH,))], 5) == [P, P, P, D, D]
    # Two weak bars, one good one: the count starts again.
    assert decisions(acceptance(), [calm(2, a=0.6), calm(1), calm(2, a=0.6), calm(1)], 7) == [P] * 7


@pytest.mark.parametrize(
    ("bad", "trigger"),
    [
        (calm(1, hard=(Guard.LATENCY,)), Trigger.BREACH),
        (calm(1, a=0.39), Trigger.BREACH),
        (calm(1, kill=True), Trigger.KILL),
    ],
)
@pytest.mark.parametrize("start", [[calm(3)], [calm(3, a=0.6)]])
def test_pass_and_derisk_block_at_once(start, bad, trigger):
    before = P if start[0] == calm(3) else D
    info = run(acceptance(), path([*start, bad, calm(1)]))[1]
    assert info.decision[2:4].tolist() == [before, B]
    assert info.trigger[3] == trigger


def test_a_negative_penalised_score_blocks_even_where_the_threshold_is_0():
    heavy = acceptance(tau_derisk=0.0, penalties={Guard.WIDTH: 0.9})
    info = run(heavy, path([calm(1), calm(1, a=0.8, soft=(Guard.WIDTH,)), calm(1)]))[1]
    assert info.decision[:2].tolist() == [P, B]
    np.testing.assert_allclose(info.score[:2], [1.0, 0.8 - 0.9])
    assert info.penalties[1, Guard.WIDTH] == 0.9


def test_derisk_recovers_after_its_dwell_of_strong_bars():
    weak, strong, between = calm(3, a=0.6), calm(4, a=0.85), calm(1, a=0.75)
    assert decisions(acceptance(), [weak, strong], 7) == [P, P, D, D, D, D, P]
    # .75 is above tau_pass but below tau_pass_up: hysteresis holds it, and restarts the count.
    assert decisions(acceptance(), [weak, calm(3, a=0.85), between, strong], 11) == [P, P] + [D] * 8 + [P]
    assert decisions(acceptance(), [weak, calm(20, a=0.85, soft=(Guard.WIDTH,))], 22) == [P, P] + [D] * 20


def test_block_cools_down_to_derisk():
    breach = calm(1, hard=(Guard.LATENCY,))
    assert decisions(acceptance(), [breach, calm(9, a=0.5)], 7) == [B, B, B, B, B, D, D]
    # A score below tau_derisk_up waits; so does a hard guard, and it restarts the cooldown.
    assert decisions(acceptance(), [breach, calm(7, a=0.45), calm(1, a=0.5)], 9) == [B] * 8 + [D]
    assert decisions(acceptance(), [breach, calm(2), breach, calm(9)], 9) == [B] * 8 + [D]
    # A soft guard does not hinder the way to DERISK.
    assert decisions(acceptance(), [breach, calm(9, soft=(Guard.WIDTH,))], 6) == [B] * 5 + [D]


def test_a_killed_block_waits_for_its_release():
    kill, release = calm(1, kill=True), calm(1, release=True)
    info = run(acceptance(), path([kill, calm(9), release, calm(1)]))[1]
    assert info.decision[:12].tolist() == [B] * 10 + [D, D]
    assert info.killed[:12].tolist() == [True] * 10 + [False, False]
    # Released early, the cooldown still runs; killed and released at once stays killed.
    assert decisions(acceptance(), [kill, release, calm(9)], 7) == [B] * 5 + [D, D]
    both = run(acceptance(), path([kill, calm(1, kill=True, release=True), calm(9)]))[1]
    assert both.killed.all()
    assert both.refused[1, Trigger.RELEASE]


def test_the_fast_path_leads_from_block_to_pass_only_where_it_is_on():
    segments = [calm(1, hard=(Guard.LATENCY,)), calm(9)]
    assert decisions(acceptance(fast_path=True), segments, 5) == [B, B, B, P, P]
    assert decisions(acceptance(), segments, 5) == [B] * 5
    soft = [calm(1, hard=(Guard.LATENCY,)), calm(2), calm(1, soft=(Guard.WIDTH,)), calm(9)]
    assert decisions(acceptance(fast_path=True, cooldown_block_bars=9), soft, 8) == [B] * 6 + [P, P]
    killed = [calm(1, kill=True), calm(9)]
    assert decisions(acceptance(fast_path=True), killed, 9) == [B] * 9


def test_refused_triggers_are_recorded_and_change_nothing():
    info = run(acceptance(), path([calm(1, release=True), calm(2, hard=(Guard.LATENCY,)), calm(1, kill=True)]))[1]
    assert info.refused[0].tolist() == [trigger is Trigger.RELEASE for trigger in Trigger]
    assert not info.refused[1].any()
    assert info.trigger[:4].tolist() == [NO_TRIGGER, Trigger.BREACH, NO_TRIGGER, NO_TRIGGER]
    assert info.refused[2].tolist() == [trigger is Trigger.BREACH for trigger in Trigger]
    assert info.refused[3].tolist() == [trigger is Trigger.KILL for trigger in Trigger]
    assert info.killed[3]  # refused by the table, since BLOCK is where it leads; latched all the same


# --- a slow twin, and what the arrays promise -----------------------------------------------------------------------


def twin(machine, inputs):
    """Follow the specification's table with plain Python, one `if` a row."""
    number = {name: getattr(machine, name).item() for name in machine.__dataclass_fields__ if name != "penalties"}
    charge = np.asarray(machine.penalties)
    state, streak, quiet, killed, out = P, 0, 0, False, []
    for kappa_plus, soft, hard, kill, release in zip(*inputs, strict=True):
        a = (1.0 - kappa_plus) - np.sum(np.where(soft | hard, charge, 0.0))
        guard = soft.any() or hard.any()
        breach = hard.any() or a < number["tau_derisk"] or a < 0
        quiet = 0 if breach or (kill and not killed) else quiet + 1
        killed = bool(kill or (killed and not release))
        streak += 1
        after = state
        if state is P:
            streak = streak if soft.any() or a < number["tau_pass"] else 0
            after = D if streak >= number["dwell_pass_bars"] else P
        elif state is D:
            streak = streak if a >= number["tau_pass_up"] and not guard else 0
            after = P if streak >= number["dwell_derisk_bars"] else D
        else:
            streak = streak if not guard and not breach else 0
            cooled = quiet >= number["cooldown_block_bars"] and not hard.any() and a >= number["tau_derisk_up"]
            cleared = number["fast_path"] and streak >= number["clean_window_bars"]
            after = B if killed else P if cleared else D if cooled else B
        after = B if (breach or kill) else after
        streak = 0 if after is not state else streak
        state = after
        out.append(state)
    return out


@settings(max_examples=60, deadline=None)
@given(machines, paths)
def test_agrees_with_the_twin(machine, inputs):
    assert run(machine, inputs)[1].decision.tolist() == twin(machine, inputs)


def test_thresholds_are_leaves_so_a_grid_is_a_vmap_and_no_change_recompiles():
    traces = []

    @jax.jit
    def one(machine):
        traces.append(1)
        flags = no_guards()
        kappa_plus = jnp.tile(jnp.array([0.25, 0.35, 0.45, 0.65]), 5)
        bar = lambda state, k: machine.step(state, kappa_plus=k, flags=flags)  # noqa: E731
        return jax.lax.scan(bar, machine.init(), kappa_plus)[1].decision

    taus = jnp.array([0.55, 0.6, 0.7, 0.8])
    single = [one(acceptance(tau_pass=float(tau))).tolist() for tau in taus]
    assert len(traces) == 1
    assert len({tuple(row) for row in single}) > 1
    grid = jax.vmap(lambda tau: one(acceptance(tau_pass=tau)))(taus)
    assert grid.tolist() == single


@pytest.mark.bits
def test_stepping_one_by_one_equals_the_scan_to_the_bit():
    machine = acceptance(penalties={Guard.WIDTH: 0.1, Guard.KAPPA: 0.07})
    inputs = path([calm(4, a=0.73), calm(3, a=0.61, soft=(Guard.WIDTH, Guard.KAPPA)), calm(9, a=0.91)])
    scanned = run(machine, inputs)[1]
    state = machine.init()
    for index, row in enumerate(zip(*inputs, strict=True)):
        state, info = step(machine, state, row[0], GuardFlags(*row[1:3]), *row[3:])
        jax.tree.map(lambda a, b, index=index: np.testing.assert_array_equal(a, b[index]), info, scanned)


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_kappa_plus_that_is_not_finite_blocks_and_says_so(bad):
    machine = acceptance()
    _, info = step(machine, machine.init(), bad, no_guards())
    assert info.decision == B
    assert info.score == 0.0
    assert info.outcome == Outcome.NON_FINITE


def test_rounding_outside_the_unit_interval_is_clipped():
    machine = acceptance()
    _, info = step(machine, machine.init(), -1e-16, no_guards())
    assert info.score == 1.0
    assert info.outcome == Outcome.OK


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tau_derisk": 0.75}, "tau_derisk must not exceed tau_pass, were 0.75 and 0.7"),
        ({"tau_pass_up": 0.65}, "tau_pass must not exceed tau_pass_up"),
        ({"tau_derisk_up": 0.35}, "tau_derisk must not exceed tau_derisk_up"),
        ({"tau_derisk_up": 0.85}, "tau_derisk_up must not exceed tau_pass_up"),
        ({"tau_pass_up": 1.2}, r"tau_pass_up must lie in \[0, 1\], was 1.2"),
        ({"tau_pass": float("nan")}, "tau_derisk must not exceed tau_pass"),
        ({"dwell_pass_bars": 0}, "dwell_pass_bars must lie in .*was 0"),
        ({"penalties": {Guard.WIDTH: -0.1}}, "penalties must lie in"),
        ({"penalties": jnp.zeros(3)}, r"had shape \(3,\)"),
        ({"volatility_sensitivity": -1.0}, "volatility_sensitivity must lie in"),
    ],
)
def test_contradictory_settings_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        acceptance(**changes)


def test_single_precision_is_refused_by_name():
    with jax.enable_x64(False), pytest.raises(RuntimeError, match="governance needs double precision"):
        acceptance()


def test_settings_that_were_traced_and_so_not_checked_still_fail_safe():
    machine = acceptance(penalties={Guard.WIDTH: 0.9})
    machine = eqx.tree_at(lambda m: (m.tau_derisk, m.cooldown_block_bars), machine, (jnp.array(-1.0), jnp.array(0)))
    info = run(machine, path([calm(1, a=0.5, soft=(Guard.WIDTH,)), calm(3, hard=(Guard.LATENCY,)), calm(1)]))[1]
    assert info.score[0] < 0
    assert info.decision[:5].tolist() == [B, B, B, B, D]


# --- thresholds that follow volatility ------------------------------------------------------------------------------


def test_volatility_tightens_and_never_loosens():
    machine: Acceptance = acceptance(volatility_sensitivity=0.5)
    # allowed uncertainty 1 - tau shrinks by 4**-.5 = 1/2
    np.testing.assert_allclose(machine.thresholds(4.0), [0.85, 0.7, 0.9, 0.75])
    for ratio in (1.0, 0.25):
        np.testing.assert_array_equal(machine.thresholds(ratio), acceptance().thresholds(1.0))
    np.testing.assert_array_equal(acceptance().thresholds(9.0), [0.7, 0.4, 0.8, 0.5])
    _, info = step(machine, machine.init(), 0.1, no_guards(), volatility_ratio=jnp.nan)
    assert info.decision == B
