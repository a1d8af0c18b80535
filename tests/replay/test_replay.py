import jax
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.replay import AccountRule, replay
from tests.compiler import as_for_users
from tests.small_engine import assert_bitwise, first, small, walk

BARS = 262  # one whole chunk of 256 and a rest


@pytest.fixture(scope="module")
def trio():
    return small("TRIO")


@pytest.fixture(scope="module")
def whole(trio):
    return replay(trio.engine, trio.engine.init(), first(trio.bars, BARS))


def test_a_row_for_each_bar(whole, trio):
    assert {leaf.shape[0] for leaf in jax.tree.leaves(whole.rows)} == {BARS}
    assert whole.state.bars_seen == BARS
    assert whole.state.time == trio.data.times[BARS - 1]


@pytest.mark.bits
def test_the_padding_of_a_chunk_leaves_no_trace(trio, whole):
    """262 bars and 300 bars agree on the first 262: what pads the last chunk is never taken in."""
    longer = replay(trio.engine, trio.engine.init(), trio.bars)
    assert_bitwise(*(jax.tree.map(lambda leaf: leaf[:BARS], done.rows) for done in (longer, whole)))


@as_for_users
@pytest.mark.bits
def test_a_replay_begins_as_the_engine_alone_would(whole):
    """Until the account first trades, the engine sees nothing but bars."""
    warm = walk("TRIO").infos[:70]
    assert_bitwise(
        jax.tree.map(lambda leaf: leaf[:70], whole.rows.info),
        jax.tree.map(lambda *leaves: np.stack(leaves), *warm),
    )


@pytest.mark.bits
def test_a_replay_can_be_cut_where_nothing_is_held_yet(trio, whole):
    """The engine's state carries everything but the account, which warming up leaves at its start."""
    bars = first(trio.bars, BARS)
    before = replay(trio.engine, trio.engine.init(), jax.tree.map(lambda leaf: leaf[:60], bars))
    assert not before.rows.positions.any()
    after = replay(trio.engine, before.state, jax.tree.map(lambda leaf: leaf[60:], bars))
    assert_bitwise(after.state, whole.state)
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b]), before.rows, after.rows)
    assert_bitwise(joined, whole.rows)


def test_positions_decided_on_a_bar_earn_the_next_bar(whole, trio):
    """The account worked out again in NumPy, bar by bar, from weights and closes alone."""
    rows, rule = whole.rows, AccountRule()
    held, equity, peak = np.zeros(3), 1.0, 1.0
    closes = trio.data.close
    for t in range(BARS):
        returns = closes[t] / closes[t - 1] - 1.0 if t else np.zeros(3)
        gross = held @ returns
        drifted = held * (1.0 + returns) / (1.0 + gross)
        held_before, held = held, rows.weights[t] * rows.info.risk_scale[t]
        turnover = np.abs(held - drifted).sum()
        borrow = rule.borrow_per_year / 252.0 * np.maximum(-held_before, 0.0).sum()
        net = gross - borrow - turnover * (rule.commission + rule.half_spread)
        equity *= 1.0 + net
        peak = max(peak, equity)
        found = [rows.turnover[t], rows.net_return[t], rows.equity[t], rows.drawdown[t]]
        np.testing.assert_allclose(found, [turnover, net, equity, 1.0 - equity / peak], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(rows.positions[t], held, atol=1e-15)
        np.testing.assert_allclose(rows.returns[t], returns, atol=1e-12)
    assert rows.turnover.max() > 0.1


def test_weights_change_only_where_the_engine_asked(whole):
    asked = whole.rows.info.rebalance
    changed = (np.diff(whole.rows.weights, axis=0) != 0.0).any(axis=1)
    assert asked.sum() > 5
    assert not (changed & ~asked[1:]).any()
    assert changed.sum() > 3
    outcomes = whole.rows.allocation.outcome
    assert (outcomes[: np.argmax(asked)] == int(Outcome.WARMING_UP)).all()
    assert (outcomes[np.argmax(asked) :] == int(Outcome.OK)).all()


@pytest.mark.slow
def test_a_drawdown_kills_and_the_operator_releases(trio):
    """Prices fall by two fifths over two bars; 5 bars after the kill a release is given, and the next bar is free."""
    bars = first(trio.bars, BARS)
    fallen = np.where(np.arange(BARS)[:, None] >= 131, 0.6, np.where(np.arange(BARS)[:, None] == 130, 0.8, 1.0))
    done = replay(trio.engine, trio.engine.init(), bars._replace(close=bars.close * fallen), operator_release_bars=5)
    rows = done.rows
    assert rows.drawdown[129] < 0.15 < rows.drawdown[130]
    killed = np.flatnonzero(rows.info.killed)
    # The drawdown of bar 130 is known to bar 131; the release after its fifth bar lets bar 136 go free.
    np.testing.assert_array_equal(killed, np.arange(131, 136))
    np.testing.assert_array_equal(np.flatnonzero(rows.released), [135])
    assert not rows.positions[131:136].any()
    assert rows.equity[131] < rows.equity[130] * 0.9
    np.testing.assert_allclose(rows.equity[132:136], rows.equity[131])


def test_a_refused_bar_earns_nothing_and_flattens(trio):
    bars = first(trio.bars, BARS)
    spoilt = np.where(np.arange(BARS)[:, None] == 140, np.nan, bars.close)
    done = replay(trio.engine, trio.engine.init(), bars._replace(close=spoilt))
    rows = done.rows
    assert rows.info.outcome[140] == Outcome.NON_FINITE
    assert not rows.returns[140].any()
    assert not rows.positions[140].any()
    np.testing.assert_allclose(rows.returns[141], bars.close[141] / bars.close[139] - 1.0, atol=1e-12)
    assert np.isfinite(rows.equity).all()
