import equinox as eqx
import jax
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.engine import fill, named_arrays
from aurora_jax.governance import Command, CommandKind, Decision
from tests.small_engine import assert_bitwise, small, walk

AT = 120
KILL = Command(CommandKind.KILL, False)
RELEASE = Command(CommandKind.RELEASE, True)


@pytest.fixture(scope="module")
def trio():
    return small("TRIO")


@pytest.fixture(scope="module")
def step(trio):
    return eqx.filter_jit(trio.engine.step)


@pytest.fixture(scope="module")
def killed(trio):
    state, info = trio.engine.control(walk("TRIO").states[AT], KILL)
    assert info.killed
    return state


def test_a_kill_latches_and_trades_nothing(trio, step, killed):
    state = killed
    for bar in range(AT, AT + 3):
        state, info = step(state, trio.data.bar(bar))
        assert (info.outcome, info.decision, info.risk_scale) == (Outcome.OK, Decision.BLOCK, 0.0)
        assert info.killed
        assert info.fallbacks.flatten


def test_a_kill_survives_being_saved(trio, step, killed):
    arrays = {name: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) for name, a in named_arrays(killed).items()}
    restored = fill(trio.engine.init(), arrays, source="state")
    assert_bitwise(restored, killed)
    assert step(restored, trio.data.bar(AT))[1].killed


def test_a_release_needs_authority(trio, killed):
    state, info = trio.engine.control(killed, Command(CommandKind.RELEASE, False))
    assert info.refused
    assert info.killed
    assert not info.released
    assert_bitwise(state, killed)


def test_an_authorised_release_lifts_the_latch_but_not_the_block(trio, step, killed):
    """The machine cools down before it trades again."""
    killed, _ = step(killed, trio.data.bar(AT))
    state, info = trio.engine.control(killed, RELEASE)
    assert info.released
    assert not info.killed
    state, info = step(state, trio.data.bar(AT + 1))
    assert not info.killed
    assert (info.decision, info.risk_scale) == (Decision.BLOCK, 0.0)
    assert not state.acceptance.killed


def test_a_release_of_nothing_is_refused(trio):
    state = walk("TRIO").states[AT]
    after, info = trio.engine.control(state, RELEASE)
    assert info.refused
    assert_bitwise(after, state)


def test_a_drawdown_beyond_its_limit_kills(trio, step):
    """The limit is 15 %."""
    state, bar = walk("TRIO").states[AT], trio.data.bar(AT)
    for drawdown, kills in ((0.149, False), (0.151, True)):
        after, info = step(state, bar._replace(drawdown=np.asarray(drawdown)))
        assert info.killed == kills
        assert after.drawdown == drawdown


def test_a_control_changes_the_switch_alone(trio, killed):
    before = walk("TRIO").states[AT]
    assert_bitwise(killed._replace(kill_switch=before.kill_switch), before)
    assert jax.tree.leaves(killed.kill_switch)[0].any()
