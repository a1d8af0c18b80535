"""The long table, one row per bar and asset, and its pivot to the arrays of `MarketData`."""

from typing import Any

import numpy as np
import pandas as pd

from .market_data import MarketData
from .missing import fill_forward

PRICES = ("open", "high", "low", "close")


def to_frame(data: MarketData) -> pd.DataFrame:
    """Return the long table of `data`: timestamp, symbol, the columns the stream has, imputed; by time, then asset."""
    bars, assets = data.close.shape
    columns: dict[str, Any] = {
        "timestamp": pd.to_datetime(np.repeat(data.times, assets), unit="s", utc=True),
        "symbol": np.tile(np.array(data.assets, dtype=object), bars),
    }
    for name in (*PRICES, "volume", "imputed"):
        if getattr(data, name) is not None:
            columns[name] = getattr(data, name).ravel()
    return pd.DataFrame(columns)


def from_frame(frame: pd.DataFrame, *, symbol: str, source: str, licence: str, maximum_gap_bars: int) -> MarketData:
    """Return the arrays of a checked long table, its assets in order of first appearance.

    Bars that some asset lacks are filled forward, at most `maximum_gap_bars` in a row.

    Raises:
        DataError: if a gap is longer, or an asset starts later than the others.
    """
    assets = tuple(str(asset) for asset in frame["symbol"].unique())
    asset_of_row = pd.Categorical(frame["symbol"], categories=list(assets)).codes
    seconds = frame["timestamp"].to_numpy(dtype="datetime64[s]").astype(np.int64)
    times, bar_of_row = np.unique(seconds, return_inverse=True)

    def table(values, absent) -> np.ndarray:
        cells = np.full((len(times), len(assets)), absent)
        cells[bar_of_row, asset_of_row] = values
        return cells

    tables: dict[str, Any] = dict.fromkeys((*PRICES, "volume"))
    for name in tables:
        if name in frame:
            tables[name] = table(frame[name].to_numpy(dtype=np.float64), np.nan)
    flags = frame["imputed"].to_numpy(dtype=bool) if "imputed" in frame else False
    missing = ~table(True, False)
    data = MarketData(symbol, assets, times, **tables, imputed=table(flags, False), source=source, licence=licence)
    return fill_forward(data, missing, maximum_gap_bars=maximum_gap_bars)
