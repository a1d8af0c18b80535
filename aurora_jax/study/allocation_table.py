"""What accounts were worth over a period, each number with a block-bootstrap standard error."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ..backtest import bootstrap_interval, performance
from ..core import Number
from .allocation_account import Account

BLOCK_BARS = 63
"""Mean block, a quarter: longer than most clusters of volatility, and the same for all, so that they compare."""

_ONE_SIGMA = 0.6827


class Measured(NamedTuple):
    """A number and its standard error: half the central 68.27 % of its bootstrap distribution."""

    value: float
    standard_error: float


_STATISTICS: dict[str, Callable[..., float]] = {
    "shortfall": lambda net: performance(net).expected_shortfall_95,
    "sharpe": lambda net: performance(net).sharpe,
    "volatility": lambda net: performance(net).annual_volatility,
    "drawdown": lambda net: performance(net).max_drawdown,
}
GUARDED = "shortfall"


def score_account(account: Account, *, seed: int, resamples: int, bars_per_year: Number = 252) -> dict[str, Measured]:
    """Return daily ES_95, Sharpe ratio, annual volatility, largest drawdown and annual turnover, net of costs."""
    found = {
        name: _measured(statistic, account.net_returns, seed=seed, resamples=resamples)
        for name, statistic in _STATISTICS.items()
    }
    yearly = float(bars_per_year)
    return found | {
        "turnover": _measured(
            lambda traded: yearly * float(np.mean(traded)), account.turnover, seed=seed, resamples=resamples
        )
    }


def account_difference(
    net_returns: Float[np.ndarray, " bars"],
    others: Float[np.ndarray, " bars"],
    *,
    seed: int,
    resamples: int,
) -> dict[str, Measured]:
    """Return ES_95 and Sharpe of one account less those of another, both resampled by the same blocks."""
    return {
        name: _measured(
            lambda one, other, of=_STATISTICS[name]: of(one) - of(other),
            net_returns,
            others,
            seed=seed,
            resamples=resamples,
        )
        for name in (GUARDED, "sharpe")
    }


def compare_rules(
    accounts: Mapping[str, Account],
    robust: list[str],
    reported: Bool[np.ndarray, " bars"],
    *,
    seed: int,
    resamples: int,
) -> dict:
    """Choose a robust rule on the bars before the reported ones, and compare it there with its rivals.

    Args:
        accounts: by rule.
        robust: names of the rules that may be chosen, the plain CVaR portfolio first.
        reported: which bars are reported; the others, before them, choose.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Returns:
        `periods` ("earlier" and "reported", by rule), `chosen` by least shortfall and by greatest Sharpe ratio, and
        `differences` of the first less the plain portfolio and every rule that is not robust, where reported.
    """
    drawn = {"seed": seed, "resamples": resamples}
    periods = {
        period: {name: score_account(_during(account, bars), **drawn) for name, account in accounts.items()}
        for period, bars in (("earlier", ~reported), ("reported", reported))
    }
    chosen = least_shortfall(periods["earlier"], robust)
    rivals = [name for name in accounts if name == robust[0] or name not in robust]
    own = accounts[chosen].net_returns[reported]
    return {
        "periods": periods,
        "chosen": {"shortfall": chosen, "sharpe": greatest_sharpe(periods["earlier"], robust)},
        "differences": {
            rival: account_difference(own, accounts[rival].net_returns[reported], **drawn)
            for rival in rivals
            if rival != chosen
        },
    }


def _during(account: Account, bars: Bool[np.ndarray, " bars"]) -> Account:
    return Account(account.net_returns[bars], account.turnover[bars])


def least_shortfall(scores: Mapping[str, Mapping[str, Measured]], names: list[str]) -> str:
    """Return which of the named rules had the least ES_95; the first of equals."""
    return min(names, key=lambda name: scores[name][GUARDED].value)


def greatest_sharpe(scores: Mapping[str, Mapping[str, Measured]], names: list[str]) -> str:
    """Return which of the named rules had the greatest Sharpe ratio; the first of equals."""
    return max(names, key=lambda name: scores[name]["sharpe"].value)


def _measured(statistic: Callable[..., float], *series: Float[np.ndarray, " _"], seed: int, resamples: int) -> Measured:
    interval = bootstrap_interval(
        statistic, *series, seed=seed, level=_ONE_SIGMA, resamples=resamples, block_bars=BLOCK_BARS
    )
    return Measured(interval.value, 0.5 * (interval.upper - interval.lower))
