"""The performance of a stream of net returns."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..core import Number
from .drawdown import drawdowns, equity_curve
from .series import deviation, require_series
from .tail import tail_risk


class Performance(NamedTuple):
    """What an account's net returns were worth.

    Attributes:
        annual_return: compound growth per year; -1 if everything was lost.
        annual_volatility: standard deviation per year.
        sharpe: annualised mean over annualised volatility, against a rate of 0.
        sortino: annualised mean over the annualised root mean square of the losses.
        calmar: annual return over the largest drawdown.
        max_drawdown: of the compounded account, in [0, 1].
        expected_shortfall_95: mean loss of a bar among the worst 5 %; positive is a loss.
        var_95: loss that 5 % of bars reach or exceed; positive is a loss.
        hit_ratio: share of gains among the bars that moved the account.
        final_equity: value at the end of 1 at the start.
        undefined: the ratios that cannot be had because their denominator is 0 (no volatility, no loss, no drawdown, no
            move); they are reported as 0.
    """

    annual_return: float
    annual_volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    expected_shortfall_95: float
    var_95: float
    hit_ratio: float
    final_equity: float
    undefined: tuple[str, ...]


def performance(net_returns: Float[np.ndarray, " bars"], *, bars_per_year: Number = 252) -> Performance:
    r"""Measure a stream of simple returns after costs.

    With mean $\bar r$, sample deviation s and b bars a year,

    $$\text{Sharpe} = \sqrt b\, \bar r / s, \qquad
    \text{Sortino} = \sqrt b\, \bar r \Big/ \sqrt{\tfrac1n \sum \min(r_t, 0)^2}, \qquad
    \text{Calmar} = \bigl(E_n^{b/n} - 1\bigr) \Big/ \max_t D_t$$

    Args:
        net_returns: per bar, at least 2.
        bars_per_year: b > 0.

    Raises:
        ValueError: if there are fewer than 2 bars, one is not finite, or `bars_per_year` is not positive.
    """
    if not bars_per_year > 0:
        raise ValueError(f"bars_per_year must be positive, was {bars_per_year}.")
    returns = require_series("net_returns", net_returns, bars=2)
    years = returns.size / float(bars_per_year)
    annual = float(bars_per_year) ** 0.5
    mean, spread = float(np.mean(returns)), deviation(returns)
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    final = float(equity_curve(returns)[-1])
    growth = final ** (1.0 / years) - 1.0
    largest = float(np.max(drawdowns(returns)))
    moves = np.count_nonzero(returns)
    tail = tail_risk(returns, tail_probability=0.05)
    ratios = {
        "sharpe": (annual * mean, spread),
        "sortino": (annual * mean, downside),
        "calmar": (growth, largest),
        "hit_ratio": (float(np.count_nonzero(returns > 0.0)), float(moves)),
    }
    had = {name: above / below if below > 0.0 else 0.0 for name, (above, below) in ratios.items()}
    return Performance(
        annual_return=growth,
        annual_volatility=annual * spread,
        sharpe=had["sharpe"],
        sortino=had["sortino"],
        calmar=had["calmar"],
        max_drawdown=largest,
        expected_shortfall_95=tail.expected_shortfall,
        var_95=tail.value_at_risk,
        hit_ratio=had["hit_ratio"],
        final_equity=final,
        undefined=tuple(name for name, (_, below) in ratios.items() if not below > 0.0),
    )
