"""Flags for bars that deserve a second look; nothing is removed."""

import numpy as np
import pandas as pd
from jaxtyping import Bool

from aurora_jax.core import Number

from .market_data import MarketData

_SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)
_SPLIT_TOLERANCE = 0.02


def outlier_flags(
    data: MarketData, *, deviations: Number = 10.0, window_bars: int = 63
) -> Bool[np.ndarray, "bars assets"]:
    r"""Flag returns that are extreme against the bars before them.

    $$|r_t| > k \cdot 1.4826 \cdot \operatorname{median}_{s = t-n}^{t-1} |r_s|$$

    The median of past absolute returns is not moved by the outlier itself; 1.4826 makes it the standard deviation
    of a normal law. A bar with fewer than `window_bars` returns before it, or an unmoved past, is not flagged.

    Args:
        data: validated bars.
        deviations: k.
        window_bars: n.

    References:
        Hampel (1974), J. Am. Stat. Assoc. 69(346), 383-393, section 4 (the median deviation).
    """
    if not deviations > 0.0 or window_bars < 2:
        raise ValueError(f"deviations must be positive and window_bars at least 2, were {deviations}, {window_bars}.")
    size = np.abs(data.log_returns())
    scale = 1.4826 * pd.DataFrame(size).rolling(window_bars).median().shift(1).to_numpy()
    flags = np.zeros(data.close.shape, dtype=bool)
    flags[1:] = (scale > 0.0) & (size > deviations * scale)
    return flags


def corporate_action_flags(
    data: MarketData, *, deviations: Number = 10.0, window_bars: int = 63
) -> Bool[np.ndarray, "bars assets"]:
    """Flag outliers whose price ratio is that of an unadjusted split, forward or reverse, within 2 %.

    Ratios looked for: 3:2, 2, 3, 4, 5, 7, 10 and 20 to 1. Arguments as for `outlier_flags`.
    """
    size = np.abs(data.log_returns())
    near = np.abs(size[..., None] - np.log(_SPLIT_RATIOS)) < _SPLIT_TOLERANCE
    flags = outlier_flags(data, deviations=deviations, window_bars=window_bars).copy()
    flags[1:] &= near.any(axis=-1)
    return flags
