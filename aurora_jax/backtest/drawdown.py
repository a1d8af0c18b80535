"""Equity and its distance from the peak."""

import numpy as np
from jaxtyping import Float


def equity_curve(net_returns: Float[np.ndarray, " bars"]) -> Float[np.ndarray, " bars"]:
    """Return the value after each bar of an account that started at 1; one that lost everything stays at 0."""
    return np.cumprod(np.maximum(1.0 + net_returns.astype(float), 0.0))


def drawdowns(net_returns: Float[np.ndarray, " bars"]) -> Float[np.ndarray, " bars"]:
    r"""Return $1 - E_t / \max(1, E_1, \dots, E_t)$ after each bar, in [0, 1]; the start counts as a peak."""
    equity = equity_curve(net_returns)
    return 1.0 - equity / np.maximum(np.maximum.accumulate(equity), 1.0)
