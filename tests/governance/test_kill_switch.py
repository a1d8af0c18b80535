import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.governance import Command, CommandKind, Guard, GuardFlags, KillSwitch, Latch, no_guards

KILL, RELEASE = Command(CommandKind.KILL), Command(CommandKind.RELEASE, authorised=True)
QUIET = {"latency_ms": 10.0, "kappa_plus": 0.3, "coverage_ema": 0.9, "drawdown": 0.0, "flags": no_guards()}


def switch(**changes):
    limits = {
        "latency_max_ms": 150,
        "kappa_plus_max": 0.9,
        "nominal_coverage": 0.9,
        "coverage_shortfall": 0.05,
        "drawdown_max": 0.15,
        "recovery_bars": 3,
    }
    return KillSwitch(**{**limits, **changes})


_step = jax.jit(lambda switch, state, inputs: switch.step(state, **inputs))


def follow(bars, state=None, **changes):
    """Step through `bars`, each the inputs that differ from a quiet bar; return the last state and all reports."""
    machine = switch(**changes)
    state, infos = machine.init() if state is None else state, []
    for bar in bars:
        inputs = {**QUIET, "stop_loss": False, "command": Command(), **bar}
        inputs["command"] = jax.tree.map(jnp.asarray, inputs["command"])
        state, info = _step(machine, state, inputs)
        infos.append(info)
    return state, infos


def in_force(info):
    return {name for name, on in info.fallbacks._asdict().items() if on}


@pytest.mark.parametrize(
    ("bar", "action"),
    [
        ({"latency_ms": 150.1}, "simple_model"),
        ({"kappa_plus": 0.91}, "reduce_size"),
        ({"coverage_ema": 0.849}, "widen_intervals"),
        ({"flags": GuardFlags(jnp.zeros(10, bool), jnp.arange(10) == Guard.DATA_AGE)}, "block"),
        ({"flags": GuardFlags(jnp.zeros(10, bool), jnp.arange(10) == Guard.ERROR_RATE)}, "block"),
        ({"drawdown": 0.151}, "flatten"),
        ({"stop_loss": True}, "flatten"),
        ({"command": KILL}, "flatten"),
        ({"latency_ms": jnp.nan}, "simple_model"),
        ({"kappa_plus": jnp.nan}, "reduce_size"),
        ({"coverage_ema": jnp.nan}, "widen_intervals"),
        ({"drawdown": jnp.nan}, "block"),  # unknown: trade nothing new, but do not sell out either
    ],
)
def test_each_trigger_has_its_action_and_only_the_last_three_latch(bar, action):
    _, infos = follow([{}, bar, {}, {}, {}])
    assert [in_force(info) for info in infos[:2]] == [set(), {action}]
    later = {"simple_model": [True, True, False], "flatten": [True, True, True]}.get(action, [False] * 3)
    assert [action in in_force(info) for info in infos[2:]] == later
    assert bool(infos[-1].killed) == (action == "flatten")


def test_signals_on_their_limits_do_nothing():
    _, infos = follow([{"latency_ms": 150.0, "kappa_plus": 0.9, "coverage_ema": 0.85, "drawdown": 0.15}])
    assert in_force(infos[0]) == set()


def test_the_full_model_returns_after_a_clean_window():
    slow, fast = {"latency_ms": 200.0}, {}
    _, infos = follow([slow, fast, fast, slow, fast, fast, fast, fast])
    assert [bool(info.fallbacks.simple_model) for info in infos] == [True] * 6 + [False] * 2


def test_only_an_authorised_release_with_the_cause_gone_is_obeyed():
    stranger = Command(CommandKind.RELEASE, authorised=False)
    bars = [
        {"command": RELEASE},  # nothing to release
        {"stop_loss": True},
        {"command": stranger},
        {"command": RELEASE, "stop_loss": True},
        {"command": RELEASE, "drawdown": jnp.nan},
        {"command": Command(7, authorised=True)},  # unknown
        {"command": RELEASE},
        {},
    ]
    _, infos = follow(bars)
    assert [bool(info.command_refused) for info in infos] == [True, False, True, True, True, True, False, False]
    assert [bool(info.killed) for info in infos] == [False, True, True, True, True, True, False, False]
    assert [bool(info.released) for info in infos] == [False] * 6 + [True, False]


def test_latches_name_their_cause():
    _, infos = follow([{"drawdown": 0.2}, {"stop_loss": True}, {"command": KILL}])
    assert infos[0].latched.tolist() == [True, False, False]
    assert infos[1].latched.tolist() == [True, True, False]
    assert infos[2].latched.tolist() == [latch in Latch for latch in Latch]


def test_a_released_drawdown_counts_from_where_it_was_released():
    # At 20 % a further 15 % is 1 - .8 * .85 = .32; recovered to 10 %, it is 1 - .9 * .85 = .235.
    depths = [0.2, 0.2, 0.2, 0.319, 0.321]
    bars = [{"drawdown": depth} for depth in depths]
    bars[1]["command"] = RELEASE
    assert [bool(info.killed) for info in follow(bars)[1]] == [True, False, False, False, True]
    recovered = [*bars[:3], {"drawdown": 0.1}, {"drawdown": 0.234}, {"drawdown": 0.236}]
    assert [bool(info.killed) for info in follow(recovered)[1]] == [True, False, False, False, False, True]
    # A refused release moves no reference.
    refused = [{"drawdown": 0.2, "stop_loss": True}, {"drawdown": 0.3, "stop_loss": True, "command": RELEASE}]
    assert follow(refused)[0].released_drawdown == 0.0


def test_a_command_between_bars_acts_as_one_on_a_bar():
    machine = switch()
    state, control = machine.control(machine.init(), KILL, drawdown=0.0)
    assert (bool(control.killed), bool(control.refused)) == (True, False)
    state, infos = follow([{}, {}], state)
    assert infos[-1].killed
    state, control = machine.control(state, RELEASE, drawdown=0.0)
    assert (bool(control.killed), bool(control.released)) == (False, True)
    assert not follow([{}], state)[1][0].killed


def test_a_restored_state_is_as_strict_as_it_stopped():
    state, _ = follow([{"command": KILL, "latency_ms": 500.0}])
    leaves, structure = jax.tree.flatten(state)
    restored = jax.tree.unflatten(structure, [jnp.asarray(np.array(leaf)) for leaf in leaves])
    (_, (info,)) = follow([{}], restored)
    assert info.killed
    assert info.fallbacks.simple_model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latency_max_ms": -1}, "latency_max_ms must lie in"),
        ({"kappa_plus_max": 1.1}, r"kappa_plus_max must lie in \[0, 1\]"),
        ({"drawdown_max": float("nan")}, "drawdown_max must lie in .* was nan"),
        ({"recovery_bars": 0}, "recovery_bars must lie in"),
    ],
)
def test_bad_limits_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        switch(**change)
