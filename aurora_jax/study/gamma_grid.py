"""How much kappa_plus should listen to models and how much to the coverage record: gamma by a grid."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from ..backtest import performance
from ..core import Bar, Number, Outcome
from ..engine import Engine
from ..governance import Decision, GuardFlags, calm_thresholds
from ..replay import Replay, replay

GAMMAS = tuple(round(0.1 * step, 1) for step in range(11))


class Traded(NamedTuple):
    """What an account was worth over a period.

    Attributes:
        cvar_95: mean loss of a bar among the worst 5 %; positive is a loss.
        sharpe: annualised.
        annual_return: compound growth per year.
        max_drawdown: in [0, 1].
        pass_share: of the bars; `derisk_share` and `block_share` the others.
    """

    cvar_95: float
    sharpe: float
    annual_return: float
    max_drawdown: float
    pass_share: float
    derisk_share: float
    block_share: float


class GammaPoint(NamedTuple):
    """One gamma of the grid.

    Attributes:
        gamma: weight of kappa against the coverage record.
        thresholds: outcome of those found for it on the first period; unless OK the share asked for was not reached.
        chosen_on: what it earned on the first period, by which a gamma is chosen.
        reported_on: the same on the second.
    """

    gamma: float
    thresholds: Outcome
    chosen_on: Traded
    reported_on: Traded


def gamma_grid(
    engine: Engine,
    bars: Bar,
    *,
    first_period_bars: int,
    gammas: Sequence[float] = GAMMAS,
    pass_share: Number = 0.9,
    bars_per_year: Number = 252,
) -> Iterator[GammaPoint]:
    r"""Replay a history at each $\gamma$ of $\kappa^+ = \gamma \kappa + (1 - \gamma)(1 - \mathrm{BCC})$, one at a time.

    Another gamma moves the whole score, so the acceptance thresholds are taken anew from the first period for each
    (`calm_thresholds`): all are in PASS about as often, and what differs is when.

    Args:
        engine: of the stream; its thresholds are replaced.
        bars: its history, stacked along time.
        first_period_bars: bars that set thresholds and choose gamma; the others report, in an account opened then.
        gammas: each in [0, 1].
        pass_share: of the first period, asked of every gamma.
        bars_per_year: of the stream.

    Raises:
        ValueError: if a gamma lies outside [0, 1], or a period has too few bars; names the value.
    """
    outside = [gamma for gamma in gammas if not 0.0 <= gamma <= 1.0]
    if outside or not gammas:
        raise ValueError(f"gammas must lie in [0, 1] and not be empty, was {outside[0] if outside else 'empty'}.")
    count, least = bars.close.shape[0], 2 * engine.meta.warm_up_bars
    if min(first_period_bars, count - first_period_bars) < least:
        raise ValueError(
            f"both periods need at least {least} bars, had {first_period_bars} and {count - first_period_bars}."
        )
    first, second = (jax.tree.map(lambda leaf, part=part: leaf[part], bars) for part in _periods(first_period_bars))
    for gamma in gammas:
        # An array leaf: another gamma is not another program.
        own = eqx.tree_at(lambda e: e.meta.gamma, engine, jnp.asarray(gamma, float))
        own, thresholds = _with_thresholds(own, replay(own, own.init(), first), pass_share)
        chosen = replay(own, own.init(), first)
        reported = replay(own, chosen.state, second)
        traded = [_traded(found, bars_per_year=bars_per_year) for found in (chosen, reported)]
        yield GammaPoint(gamma, thresholds, *traded)


def efficient(cvar: Float[np.ndarray, " points"], sharpe: Float[np.ndarray, " points"]) -> Bool[np.ndarray, " points"]:
    """Return which points no other beats: none has a CVaR as low and a Sharpe ratio as high, and one of both better."""
    as_good = (cvar[None, :] <= cvar[:, None]) & (sharpe[None, :] >= sharpe[:, None])
    better = (cvar[None, :] < cvar[:, None]) | (sharpe[None, :] > sharpe[:, None])
    return ~np.any(as_good & better, axis=1)


def least_cvar(
    cvar: Float[np.ndarray, " points"], sharpe: Float[np.ndarray, " points"], *, sharpe_min: Number
) -> int | None:
    """Return which point has the least CVaR among those whose Sharpe ratio is at least `sharpe_min`; None if none has.

    Of equals the one with the higher Sharpe ratio. An account that never traded has no tail and no Sharpe ratio, and is
    no choice.
    """
    allowed = np.flatnonzero((sharpe >= sharpe_min) & (cvar > 0.0))
    if not allowed.size:
        return None
    order = np.lexsort((-sharpe[allowed], cvar[allowed]))
    return int(allowed[order[0]])


def _periods(first_period_bars: int) -> tuple[slice, slice]:
    return slice(None, first_period_bars), slice(first_period_bars, None)


def _with_thresholds(engine: Engine, found: Replay, pass_share: Number) -> tuple[Engine, Outcome]:
    info = found.rows.info
    live = np.asarray(info.outcome) == int(Outcome.OK)
    flags = GuardFlags(jnp.asarray(info.soft[live]), jnp.asarray(info.hard[live]))
    calm = calm_thresholds(engine.acceptance, jnp.asarray(info.kappa_plus[live]), flags, pass_share=pass_share)
    return eqx.tree_at(lambda e: e.acceptance, engine, calm.acceptance), Outcome(int(calm.outcome))


def _traded(found: Replay, *, bars_per_year: Number) -> Traded:
    info = found.rows.info
    live = np.asarray(info.outcome) == int(Outcome.OK)
    told = performance(np.asarray(found.rows.net_return)[live], bars_per_year=bars_per_year)
    decision = np.asarray(info.decision)[live]
    shares = [float(np.mean(decision == int(kind))) for kind in (Decision.PASS, Decision.DERISK, Decision.BLOCK)]
    return Traded(told.expected_shortfall_95, told.sharpe, told.annual_return, told.max_drawdown, *shares)
