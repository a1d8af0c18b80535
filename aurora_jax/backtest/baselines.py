"""Portfolios that need no model: what a strategy must beat, at the same costs."""

import numpy as np
from jaxtyping import Float

from ..core import Number


def equal_weight(
    returns: Float[np.ndarray, "bars assets"], *, cost_per_turnover: Number, rebalance_bars: int = 21
) -> Float[np.ndarray, " bars"]:
    r"""Return the net returns of holding equal shares, restored every `rebalance_bars` bars.

    Positions $h$ decided at the close of a bar earn the next bar's returns and drift with prices:

    $$r^{net}_t = h_{t-1} \cdot r_t - c \sum_i |h_{t,i} - h'_{t,i}|, \qquad
    h'_{t,i} = h_{t-1,i} \frac{1 + r_{t,i}}{1 + h_{t-1} \cdot r_t}$$

    with $h = 1/d$ on a rebalancing bar and $h = h'$ between. The first bar buys, so it earns nothing and pays the cost
    of a turnover of 1, as an account in a replay does.

    Args:
        returns: simple returns of the assets, each above -1.
        cost_per_turnover: commission and half spread, c >= 0.
        rebalance_bars: at least 1.

    Raises:
        ValueError: if `returns` is empty, not finite, or -1 or less; or a setting is out of range.
    """
    if rebalance_bars < 1:
        raise ValueError(f"rebalance_bars must be at least 1, was {rebalance_bars}.")
    if not cost_per_turnover >= 0.0:
        raise ValueError(f"cost_per_turnover must be at least 0, was {cost_per_turnover}.")
    returns = _priced(returns)
    bars, assets = returns.shape
    target = np.full(assets, 1.0 / assets)
    positions = np.zeros(assets)
    net = np.empty(bars)
    for bar, earned in enumerate(returns):
        gross = positions @ earned
        drifted = positions * (1.0 + earned) / (1.0 + gross)
        positions = target if bar % rebalance_bars == 0 else drifted
        net[bar] = gross - float(cost_per_turnover) * np.sum(np.abs(positions - drifted))
    return net


def buy_and_hold(
    returns: Float[np.ndarray, "bars assets"], *, cost_per_turnover: Number = 0.0
) -> Float[np.ndarray, " bars"]:
    """Return the net returns of buying equal shares on the first bar and never trading again.

    Raises:
        ValueError: as `equal_weight` does.
    """
    return equal_weight(returns, cost_per_turnover=cost_per_turnover, rebalance_bars=max(returns.shape[0], 1))


def _priced(returns: Float[np.ndarray, "bars assets"]) -> Float[np.ndarray, "bars assets"]:
    """Refuse returns that no series of positive prices has."""
    if returns.size == 0:
        raise ValueError(f"returns must hold at least one bar of one asset, had shape {returns.shape}.")
    bad = ~(np.isfinite(returns) & (returns > -1.0))
    if np.any(bad):
        raise ValueError(f"returns must be finite and above -1, was {returns[bad][0]}: check the prices.")
    return returns.astype(float)
