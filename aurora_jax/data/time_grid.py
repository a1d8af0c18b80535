"""A regular clock for intraday bars."""

from dataclasses import replace

import numpy as np

from .clock import to_iso
from .errors import DataError
from .market_data import MarketData
from .missing import fill_forward


def ensure_time_grid(data: MarketData, *, bar_seconds: int, maximum_gap_bars: int) -> MarketData:
    """Return `data` with a bar every `bar_seconds` from its first to its last.

    A missing bar is filled forward: flat at the last close, zero volume, `imputed`. For markets that never close;
    daily business data has no such grid.

    Args:
        data: sorted bars.
        bar_seconds: distance of the grid, seconds.
        maximum_gap_bars: longest run of missing bars that may be filled.

    Raises:
        DataError: if a bar lies off the grid or a gap is longer; names the time.
        ValueError: if `bar_seconds` is not positive or `maximum_gap_bars` negative.
    """
    if bar_seconds < 1 or maximum_gap_bars < 0:
        raise ValueError(
            f"bar_seconds must be positive and maximum_gap_bars not negative, "
            f"were {bar_seconds} and {maximum_gap_bars}."
        )
    since_start = data.times - data.times[0]
    off_grid = since_start % bar_seconds != 0
    if off_grid.any():
        raise DataError(
            f"{data.source}: the bar at {to_iso(data.times[np.argmax(off_grid)])} is off the grid of {bar_seconds} s "
            f"that starts at {to_iso(data.times[0])}; resample the data or give its own bar_seconds."
        )
    steps = np.diff(since_start // bar_seconds)
    # Before the grid is laid out: a single far-off timestamp would otherwise ask for a huge one.
    if (steps > maximum_gap_bars + 1).any():
        before = int(np.argmax(steps > maximum_gap_bars + 1))
        raise DataError(
            f"{data.source}: {int(steps[before]) - 1} bars missing after {to_iso(data.times[before])} and "
            f"maximum_gap_bars is {maximum_gap_bars}; allow more or repair the data."
        )
    times = np.arange(data.times[0], data.times[-1] + 1, bar_seconds)
    # The bar at or before each point of the grid: what a missing bar copies until it is filled.
    place = np.searchsorted(data.times, times, side="right") - 1
    tables = {
        name: None if getattr(data, name) is None else getattr(data, name)[place]
        for name in ("open", "high", "low", "close", "volume", "imputed")
    }
    missing = np.repeat((data.times[place] != times)[:, None], len(data.assets), axis=1)
    return fill_forward(replace(data, times=times, **tables), missing, maximum_gap_bars=maximum_gap_bars)
