"""Missing bars: filled forward with no volume and flagged, never for long."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from .clock import to_iso
from .errors import DataError
from .market_data import MarketData


def fill_forward(data: MarketData, missing: Bool[np.ndarray, "bars assets"], *, maximum_gap_bars: int) -> MarketData:
    """Return `data` with each missing bar flat at the last close before it, zero volume, `imputed` True.

    Args:
        data: its tables may hold anything where `missing` is True.
        missing: bars to fill.
        maximum_gap_bars: longest run of missing bars that may be filled; 0 fills none.

    Raises:
        DataError: if an asset starts with a missing bar or a gap is longer; names the asset and the time.
    """
    if not missing.any():
        return data
    if missing[0].any():
        asset = data.assets[int(np.argmax(missing[0]))]
        raise DataError(
            f"{data.source}: {asset} has no bar at {to_iso(data.times[0])}, when the data starts; "
            f"drop the asset or start where all have begun."
        )
    bars = np.arange(len(data.times))[:, None]
    last_seen = np.maximum.accumulate(np.where(missing, 0, bars), axis=0)
    gap = bars - last_seen
    if gap.max() > maximum_gap_bars:
        bar, place = (int(index) for index in np.argwhere(gap > maximum_gap_bars)[0])
        before = int(last_seen[bar, place])
        seen_again = np.flatnonzero(~missing[before + 1 :, place])
        length = int(seen_again[0]) if seen_again.size else len(data.times) - before - 1
        raise DataError(
            f"{data.source}: {data.assets[place]} has no bar at {to_iso(data.times[before + 1])}, "
            f"{length} missing in a row and maximum_gap_bars is {maximum_gap_bars}; allow more or repair the data."
        )
    close = np.take_along_axis(data.close, last_seen, axis=0)
    filled = {
        name: None if table is None else np.where(missing, close, table)
        for name, table in (("open", data.open), ("high", data.high), ("low", data.low), ("close", data.close))
    }
    volume = None if data.volume is None else np.where(missing, 0.0, data.volume)
    return replace(data, **filled, volume=volume, imputed=data.imputed | missing)
