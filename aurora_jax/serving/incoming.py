"""From a request to the bar that the engine takes in, and that bar as the journal keeps it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..config.engine import StreamConfig
from ..core import Bar
from .refusal import invalid
from .schemas import PredictRequest
from .timeframe import iso, timeframe_name, timeframe_seconds

_COLUMNS = ("open", "high", "low", "close", "volume")
_MEASURED = ("latency_ms", "data_age_s", "error_rate", "drawdown")


class Measured(NamedTuple):
    """What the shell measured about a request; it enters the bar, so that replay is exact.

    Attributes:
        now: when the request arrived, seconds since the Unix epoch.
        latency_ms: decision latency of the previous request.
        error_rate: share of recent requests that failed by the service's own fault.
    """

    now: float
    latency_ms: float
    error_rate: float


def to_bar(request: PredictRequest, stream: StreamConfig, measured: Measured) -> Bar:
    """Return the request's bar, if it has exactly what the stream declares.

    Raises:
        Refusal: 422, if a column or an asset is missing or unknown, the prices contradict each other, the timeframe
            is another, or the bar ends in the future.
    """
    _check_time(request, stream, measured.now)
    present = {name for name in _COLUMNS if getattr(request.bar, name) is not None}
    declared = (
        {"close"} | ({"open", "high", "low"} if stream.ohlc else set()) | ({"volume"} if stream.volume else set())
    )
    for name in _COLUMNS:
        if name in declared - present:
            raise invalid(f"bar.{name} is missing: stream {request.symbol} declares {_listed(declared)}.")
        if name in present - declared:
            raise invalid(f"bar.{name} is not wanted: stream {request.symbol} declares only {_listed(declared)}.")
    tables: dict[str, Any] = dict.fromkeys(_COLUMNS)
    tables.update({name: _ordered(name, getattr(request.bar, name), stream.assets) for name in declared})
    if stream.ohlc:
        _check_prices(tables, stream.assets)
    return Bar(
        time=np.asarray(request.ts),  # pyright: ignore[reportArgumentType]
        **tables,
        imputed=np.zeros(len(stream.assets), bool),  # pyright: ignore[reportArgumentType]
        latency_ms=np.float64(measured.latency_ms),
        # Clocks differ a little; a bar cannot be younger than new.
        data_age_s=np.float64(max(measured.now - request.ts, 0.0)),
        error_rate=np.float64(measured.error_rate),
        drawdown=np.float64(request.drawdown),
    )


def to_record(bar: Bar) -> dict:
    """Return a bar as plain numbers, exact to the bit."""
    return {name: None if value is None else np.asarray(value).tolist() for name, value in bar._asdict().items()}


def from_record(record: Mapping) -> Bar:
    """Return the bar that `to_record` wrote down."""
    columns: dict[str, Any] = {
        name: None if record[name] is None else np.asarray(record[name], float) for name in _COLUMNS
    }
    measured: dict[str, Any] = {name: np.float64(record[name]) for name in _MEASURED}
    time, imputed = np.asarray(record["time"]), np.asarray(record["imputed"], bool)
    return Bar(time=time, **columns, imputed=imputed, **measured)  # pyright: ignore[reportArgumentType]


def _listed(names: set[str]) -> str:
    return ", ".join(name for name in _COLUMNS if name in names)


def _check_time(request: PredictRequest, stream: StreamConfig, now: float) -> None:
    if request.timeframe is not None and timeframe_seconds(request.timeframe) != stream.bar_seconds:
        own = timeframe_name(stream.bar_seconds)
        raise invalid(f"timeframe must be {own}, that of stream {request.symbol}, was {request.timeframe}.")
    # Accepting it would refuse every true bar after it.
    if request.ts > now + stream.bar_seconds:
        raise invalid(f"ts lies in the future: {iso(request.ts)}, the service's clock reads {iso(int(now))}.")


def _ordered(name: str, values: Any, assets: tuple[str, ...]) -> np.ndarray:
    """Return a column as sent in the stream's order of assets."""
    if isinstance(values, dict):
        missing = [asset for asset in assets if asset not in values]
        unknown = [asset for asset in values if asset not in assets]
        if missing or unknown:
            word, first = ("lacks", missing[0]) if missing else ("has unknown", unknown[0])
            raise invalid(f"bar.{name} {word} asset {first!r:.40}; the stream's assets are {', '.join(assets)}.")
        values = [values[asset] for asset in assets]
    values = values if isinstance(values, list) else [values]
    if len(values) != len(assets):
        raise invalid(f"bar.{name} has {len(values)} values for {len(assets)} assets ({', '.join(assets)}).")
    return np.asarray(values, float)


def _check_prices(tables: dict[str, Any], assets: tuple[str, ...]) -> None:
    for place, asset in enumerate(assets):
        low, high = tables["low"][place], tables["high"][place]
        for name in ("open", "close"):
            price = tables[name][place]
            if not low <= price <= high:
                raise invalid(f"bar.{name} of {asset} is {price:g}, outside low {low:g} to high {high:g}.")
