"""Checks that every bar must pass, whatever its source; the first that fails is said in one line."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from .errors import DataError
from .frame import PRICES, to_frame
from .market_data import MarketData

_REPAIR = "repair or remove the row"


def _column(*rules: pa.Check) -> pa.Column:
    finite = pa.Check(np.isfinite, ignore_na=False, error=f"is not a finite number; {_REPAIR}")
    # Nullable only so that a NaN reaches `finite`, whose message says more than pandera's own.
    return pa.Column(float, [finite, *rules], nullable=True, required=False)


def _high_is_highest(frame: pd.DataFrame) -> pd.Series:
    prices = frame[list(PRICES)].to_numpy()
    return pd.Series(frame["high"].to_numpy() == prices.max(axis=1))


def _low_is_lowest(frame: pd.DataFrame) -> pd.Series:
    prices = frame[list(PRICES)].to_numpy()
    return pd.Series(frame["low"].to_numpy() == prices.min(axis=1))


def _is_first(frame: pd.DataFrame) -> pd.Series:
    return ~frame.duplicated(["symbol", "timestamp"])


def _follows(frame: pd.DataFrame) -> pd.Series:
    steps = frame.groupby("symbol", sort=False)["timestamp"].diff().to_numpy()
    return pd.Series(~(steps < np.timedelta64(0, "s")))


def _schema(has_ohlc: bool) -> pa.DataFrameSchema:
    price = _column(pa.Check.gt(0.0, error=f"is not a positive price; {_REPAIR}"))
    volume = _column(pa.Check.ge(0.0, error=f"is negative; {_REPAIR}"))
    order = [
        pa.Check(_is_first, name="timestamp", error="is duplicated; keep one row for each asset and time"),
        pa.Check(_follows, name="timestamp", error="is earlier than the row before it; sort the rows by time"),
    ]
    ohlc = [
        pa.Check(_high_is_highest, name="high", error=f"is below open, low or close; {_REPAIR}"),
        pa.Check(_low_is_lowest, name="low", error=f"is above open, high or close; {_REPAIR}"),
    ]
    columns = {**dict.fromkeys(PRICES, price), "volume": volume}
    return pa.DataFrameSchema(columns, checks=order + (ohlc if has_ohlc else []))


def check_frame(frame: pd.DataFrame, *, origin: str, rows: np.ndarray) -> None:
    """Check a long table: finite and positive prices, volumes not negative, unique sorted times, OHLC consistency.

    Args:
        frame: the columns of `to_frame`.
        origin: what the message starts with: the file, or the source of the data.
        rows: what the reader calls each row of `frame`.

    Raises:
        DataError: names the first row and value that fail, and the remedy.
    """
    frame = frame.reset_index(drop=True)
    try:
        _schema("open" in frame).validate(frame)
    except pa.errors.SchemaError as error:
        check = error.check
        failures: Any = error.failure_cases
        if not isinstance(check, pa.Check):  # not a check on values: a missing or mistyped column
            raise DataError(f"{origin}: {str(error).splitlines()[0]}") from None
        place = int(failures["index"].min())
        bad = frame.iloc[place]
        column = check.name if check.name in frame else error.schema.name
        when = bad["timestamp"].isoformat().removesuffix("+00:00").removesuffix("T00:00:00")
        value = when if column == "timestamp" else f"{float(bad[column]):.10g}"
        raise DataError(
            f"{origin}: row {rows[place]} ({when}, {bad['symbol']}): {column} {value} {check.error}."
        ) from None


def validate(data: MarketData, *, minimum_bars: int = 2) -> MarketData:
    """Return `data` itself once every check has passed.

    Args:
        data: bars of any source.
        minimum_bars: fewest bars that the use in mind needs, such as the longest window.

    Raises:
        DataError: names the first bar (counted from 1) and value that fail, and the remedy.
    """
    bars = len(data.times)
    if bars < minimum_bars:
        raise DataError(
            f"{data.source}: {bars} bars and at least {minimum_bars} are needed; "
            f"give a longer history or a shorter window."
        )
    check_frame(to_frame(data), origin=data.source, rows=np.repeat(np.arange(1, bars + 1), len(data.assets)))
    return data
