"""An account that follows target weights, at a cost."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..core import Number


class Account(NamedTuple):
    """Net return and turnover, the sum of weights bought and sold, of each bar after the first decision."""

    net_returns: Float[np.ndarray, " bars"]
    turnover: Float[np.ndarray, " bars"]


def decision_bars(bars: int, *, window_bars: int, rebalance_bars: int) -> Int[np.ndarray, " decisions"]:
    """Return the bars at whose close weights are chosen: a full window first, and one bar at least to hold them.

    Raises:
        ValueError: if there is no such bar.
    """
    decisions = np.arange(window_bars - 1, bars - 1, rebalance_bars)
    if decisions.size == 0:
        raise ValueError(f"a window of {window_bars} bars needs {window_bars + 1} returns, were {bars}.")
    return decisions


def known_at(
    bar: int | np.integer, returns: Float[np.ndarray, "bars assets"], *, window_bars: int
) -> Float[np.ndarray, "window assets"]:
    """Return the last returns that a decision at the close of `bar` may look at, its own included and none after it."""
    return returns[bar + 1 - window_bars : bar + 1]


def follow_weights(
    returns: Float[np.ndarray, "bars assets"],
    decisions: Int[np.ndarray, " decisions"],
    weights: Float[np.ndarray, "decisions assets"],
    *,
    cost_per_turnover: Number,
) -> Account:
    r"""Hold the weights chosen at each decision until the next, drifting with prices between.

    Weights $h$ chosen at the close of a bar earn the next bar's returns; what is traded at the close of a bar is
    charged to that bar:

    $$r^{net}_t = h_{t-1}^T r_t - c \sum_i |h_{t,i} - h'_{t,i}|, \qquad
      h'_{t,i} = h_{t-1,i} \frac{1 + r_{t,i}}{1 + h_{t-1}^T r_t}$$

    The account begins with the first decision, whose bar it reports: all in cash before, it earns nothing there.

    Args:
        returns: simple returns of the assets.
        decisions: bars, ascending.
        weights: chosen at them.
        cost_per_turnover: c, commission and half spread.
    """
    first, held = int(decisions[0]), np.zeros(returns.shape[1])
    chosen = dict(zip(decisions.tolist(), weights, strict=True))
    net, turnover = [], []
    for bar in range(first, returns.shape[0]):
        gross = float(held @ returns[bar])
        drifted = held * (1.0 + returns[bar]) / (1.0 + gross)
        held = chosen.get(bar, drifted)
        turnover.append(float(np.sum(np.abs(held - drifted))))
        net.append(gross - float(cost_per_turnover) * turnover[-1])
    return Account(np.array(net), np.array(turnover))
