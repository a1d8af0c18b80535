"""Replaying history through the engine's own step: one scan, the account's drawdown fed back bar by bar."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from ..core import Allocation, Bar, Outcome, strongly_typed
from ..engine import Engine, EngineInfo, EngineState
from ..governance import Command, CommandKind
from .account import Account, AccountRule, settle_account

CHUNK_BARS = 256  # one compiled scan serves any length of history


class ReplayCarry(NamedTuple):
    """What the next bar of a replay needs.

    Attributes:
        state: the engine's.
        account: equity and positions.
        killed_bars: bars since a kill latched; the simulated operator releases it after a while.
    """

    state: EngineState
    account: Account
    killed_bars: Int[Array, ""]


class ReplayRow(NamedTuple):
    """What a replay records of one bar.

    Attributes:
        info: the engine's report.
        weights: target weights after the bar.
        positions: weights times risk scale: what is held over the next bar.
        allocation: the latest allocation's certificate (NaN-free zeros before the first).
        equity: account value after the bar, 1 at the start; `net_return` the bar's return after costs.
        drawdown: of the account after the bar.
        turnover: sum of absolute position changes charged on this bar.
        released: the simulated operator released a kill after this bar.
        returns: simple returns of the assets over the bar.
    """

    info: EngineInfo
    weights: Float[Array, "*bars assets"]
    positions: Float[Array, "*bars assets"]
    allocation: Allocation
    equity: Float[Array, "*bars"]
    net_return: Float[Array, "*bars"]
    drawdown: Float[Array, "*bars"]
    turnover: Float[Array, "*bars"]
    released: Array
    returns: Float[Array, "*bars assets"]


class Replay(NamedTuple):
    """The state after the last bar, and one row per bar as NumPy arrays."""

    state: EngineState
    rows: ReplayRow


def replay(
    engine: Engine, state: EngineState, bars: Bar, *, rule: AccountRule | None = None, operator_release_bars: int = 21
) -> Replay:
    """Run `bars` through `engine.step`, allocating when it asks for it.

    The account trades at each bar's close: positions decided on a bar earn the next bar's return, so nothing earns a
    return that its decision had seen. Its drawdown enters the next bar as a measurement of the shell would. A latched
    kill is released by a simulated operator after `operator_release_bars`, through `Engine.control`.

    Args:
        engine: of the stream.
        state: where to start.
        bars: stacked along time.
        rule: costs and borrowing; None takes the defaults.
        operator_release_bars: bars after which a kill is reviewed and released.
    """
    rule = AccountRule() if rule is None else rule
    count = bars.close.shape[0]
    carry = strongly_typed(ReplayCarry(state, Account.start(engine.assets), jnp.zeros((), int)))
    parts = []
    for start in range(0, count, CHUNK_BARS):
        index = np.arange(start, start + CHUNK_BARS)
        # The tail of the last chunk repeats the last bar with `live` off, so that every scan has one shape.
        rows = jax.tree.map(lambda leaf, i=index: np.asarray(leaf)[np.minimum(i, count - 1)], bars)
        carry, out = _scan(engine, carry, rows, index < count, rule, operator_release_bars)
        parts.append(jax.tree.map(np.asarray, out))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)
    return Replay(carry.state, joined)


@eqx.filter_jit
def _scan(engine, carry, bars, live, rule, release_bars):
    return lax.scan(partial(_bar, engine, rule, release_bars), carry, (bars, live))


def _bar(
    engine: Engine, rule: AccountRule, release_bars: int, carry: ReplayCarry, row: tuple[Bar, Array]
) -> tuple[ReplayCarry, ReplayRow]:
    bar, live = row
    before = carry
    bar = bar._replace(drawdown=carry.account.drawdown)
    close_before = carry.state.close
    first = carry.state.bars_seen == 0
    state, info = engine.step(carry.state, bar)
    returns = jnp.where(first | (info.outcome == int(Outcome.REFUSED)), 0.0, state.close / close_before - 1.0)
    state, allocation = lax.cond(
        info.rebalance, lambda s: engine.allocate(s), lambda s: (s, carry.account.allocation), state
    )
    account, earned, turnover = settle_account(rule, carry.account, returns, positions=state.weights * info.risk_scale)
    account = account._replace(allocation=allocation)
    killed_bars = jnp.where(info.killed, carry.killed_bars + 1, 0)
    release = killed_bars >= release_bars
    command = Command(jnp.where(release, int(CommandKind.RELEASE), int(CommandKind.NONE)), release)
    state, control = engine.control(state, command)
    after = ReplayCarry(state, account, killed_bars)
    after = jax.tree.map(lambda new, old: jnp.where(live, new, old), after, before)
    out = ReplayRow(
        info=info,
        weights=state.weights,
        positions=account.positions,
        allocation=allocation,
        equity=account.equity,
        net_return=earned,
        drawdown=account.drawdown,
        turnover=turnover,
        released=control.released,
        returns=returns,
    )
    return after, out
