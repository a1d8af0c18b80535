"""Validated bars of one stream as arrays: the one record that every source produces."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from aurora_jax.core import Bar, Columns

from .clock import from_iso, to_iso
from .errors import DataError

Table = Float64[np.ndarray, "bars assets"]
_TABLES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class MarketData:
    """History of one stream: an asset, or a basket of assets on one time grid. Its arrays are read-only.

    Attributes:
        symbol: name of the stream.
        assets: name of each column of the tables.
        times: bar times, seconds since the Unix epoch, UTC; strictly increasing in validated data.
        open: prices, or None for a close-only stream; likewise `high` and `low`.
        close: prices.
        volume: traded volume, or None if the stream has none.
        imputed: True where the asset's bar was filled forward, not observed.
        source: where the data came from.
        licence: under which terms.
    """

    symbol: str
    assets: tuple[str, ...]
    times: Int64[np.ndarray, " bars"]
    open: Table | None
    high: Table | None
    low: Table | None
    close: Table
    volume: Table | None
    imputed: Bool[np.ndarray, "bars assets"]
    source: str
    licence: str

    def __post_init__(self):
        shape = (len(self.times), len(self.assets))
        for name in (*_TABLES, "imputed"):
            table = getattr(self, name)
            if table is not None and table.shape != shape:
                raise ValueError(f"{name} must have shape (bars, assets) = {shape}, was {table.shape}.")
        missing = [name for name in ("open", "high", "low") if getattr(self, name) is None]
        if missing and len(missing) < 3:
            raise ValueError(f"open, high and low go together: {', '.join(missing)} missing.")
        for name in ("times", *_TABLES, "imputed"):
            if getattr(self, name) is not None:
                view = getattr(self, name).view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @property
    def columns(self) -> Columns:
        """Return which optional columns the stream has."""
        return Columns(ohlc=self.open is not None, volume=self.volume is not None)

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of names, times and tables (not of `source` and `licence`)."""
        content = hashlib.sha256()
        for text in (self.symbol, *self.assets):
            content.update(f"{len(text)}:{text};".encode())
        for name in ("times", *_TABLES, "imputed"):
            table = getattr(self, name)
            content.update(f"{name}:{'absent' if table is None else table.shape};".encode())
            if table is not None:
                content.update(np.ascontiguousarray(table).astype(table.dtype.newbyteorder("<"), copy=False).tobytes())
        return content.hexdigest()

    def bars(self) -> Bar:
        """Return all bars stacked along time, with the shell's measurements at 0."""
        zeros = np.zeros(len(self.times))
        shell = dict.fromkeys(("latency_ms", "data_age_s", "error_rate", "drawdown"), zeros)
        tables: dict[str, Any] = {name: getattr(self, name) for name in (*_TABLES, "imputed")}
        return Bar(time=self.times, **tables, **shell)  # pyright: ignore[reportArgumentType]

    def bar(self, i: int) -> Bar:
        """Return bar `i`, counted from 0 (or back from -1)."""
        if not -len(self.times) <= i < len(self.times):
            raise ValueError(f"bar {i} of {self.symbol} does not exist: it has {len(self.times)} bars.")
        columns: dict[str, Any] = self.bars()._asdict()
        at: dict[str, Any] = {name: None if column is None else column[i] for name, column in columns.items()}
        return Bar(**at)

    def log_returns(self) -> Float64[np.ndarray, "steps assets"]:
        """Return the change of the log close over each bar but the first."""
        return np.diff(np.log(self.close), axis=0)

    def rows(self, start: int | None, stop: int | None) -> "MarketData":
        """Return bars `start` up to but without `stop`, as a Python slice."""
        rows = slice(start, stop)
        tables = {name: getattr(self, name) for name in ("times", *_TABLES, "imputed")}
        return replace(self, **{name: None if table is None else table[rows] for name, table in tables.items()})

    def between(self, start: str | None, stop: str | None) -> "MarketData":
        """Return the bars with start <= time < stop, ISO dates or times (UTC unless they say otherwise).

        Raises:
            DataError: if no bar lies there, or a date cannot be read; names the range of the data.
        """
        first = 0 if start is None else int(np.searchsorted(self.times, from_iso(start)))
        last = len(self.times) if stop is None else int(np.searchsorted(self.times, from_iso(stop)))
        if first >= last:
            span = f"{to_iso(self.times[0])} to {to_iso(self.times[-1])}" if len(self.times) else "no bar at all"
            raise DataError(f"{self.symbol}: no bar from {start} up to {stop}; the data holds {span}.")
        return self.rows(first, last)

    def select(self, assets: Sequence[str]) -> "MarketData":
        """Return the stream of these assets, in this order.

        Raises:
            DataError: if one of them is not there; names those that are.
        """
        unknown = [asset for asset in assets if asset not in self.assets]
        if unknown or not assets:
            raise DataError(
                f"{self.symbol}: no asset {', '.join(unknown) or 'given'}; it has {', '.join(self.assets)}."
            )
        places = [self.assets.index(asset) for asset in assets]
        tables = {name: getattr(self, name) for name in (*_TABLES, "imputed")}
        chosen = {name: None if table is None else table[:, places] for name, table in tables.items()}
        return replace(self, assets=tuple(assets), **chosen)
