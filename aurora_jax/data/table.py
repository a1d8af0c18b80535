"""Bars from CSV and Parquet files."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from .errors import DataError
from .frame import PRICES, from_frame
from .market_data import MarketData
from .repairs import NO_REPAIRS, Repairs, mend
from .timestamps import parse_timestamps
from .validate import check_frame, validate

_LONG = ("timestamp", "symbol", *PRICES, "volume", "imputed")


def read_table(
    path: str | os.PathLike, *, symbol: str | None = None, maximum_gap_bars: int = 0, repairs: Repairs = NO_REPAIRS
) -> MarketData:
    """Read and check bars from a `.csv` or `.parquet` file.

    Two layouts, told apart by a column `close`:

    * long: `timestamp, [symbol,] [open, high, low,] close, [volume,] [imputed]`, any order, others ignored.
      Several symbols make a basket on the union of their times;
    * wide, close-only: `timestamp` and one column of closes for each asset.

    Timestamps are ISO 8601 (UTC unless they name an offset), datetimes, or whole seconds since the epoch.

    Args:
        path: the file.
        symbol: name of the stream; by default that of a lone asset, or the file's name without its suffix.
        maximum_gap_bars: longest run of bars that one asset of a basket may lack; they are filled forward with no
            volume and flagged.
        repairs: faults to mend instead of refusing them; what was done is added to the data's `source`.

    Raises:
        DataError: if the file cannot be read, or names the first row that fails a check, and the remedy.
    """
    path = Path(path)
    frame = _read_file(path)
    _check_names(frame, path)
    timestamps = parse_timestamps(pd.Series(frame["timestamp"]), origin=str(path))
    rows = np.arange(1, len(frame) + 1)
    if "close" in frame:
        long = pd.DataFrame({name: frame[name] for name in _LONG if name in frame}).assign(timestamp=timestamps)
        long["symbol"] = _symbols(frame, path) if "symbol" in frame else symbol or path.stem
    else:
        wide = frame.drop(columns="timestamp")
        long = pd.DataFrame({"timestamp": timestamps.repeat(wide.shape[1])})
        long["symbol"] = np.tile(wide.columns.to_numpy(dtype=object), len(wide))
        long["close"] = wide.to_numpy(dtype=object).ravel()
        rows = np.repeat(rows, wide.shape[1])
    for name in (*PRICES, "volume"):
        if name in long:
            long[name] = _numbers(pd.Series(long[name]), origin=str(path), rows=rows)
    long, rows, mended = mend(long, rows, repairs)
    check_frame(long, origin=str(path), rows=rows)
    assets = long["symbol"].unique()
    data = from_frame(
        long,
        symbol=symbol or (str(assets[0]) if len(assets) == 1 else path.stem),
        source="; ".join((str(path), *mended)),
        licence="as the owner of the file states",
        maximum_gap_bars=maximum_gap_bars,
    )
    return validate(data)


def _read_file(path: Path) -> pd.DataFrame:
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise DataError(f"{path}: cannot read {suffix or 'a file without suffix'}; give a .csv or .parquet file.")
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path (the working folder is {Path.cwd()}).")
    try:
        frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        header, width = _csv_start(path) if suffix == ".csv" else ([str(name) for name in frame.columns], 0)
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{path}: cannot be read as {suffix[1:]} ({reason}); check that it is one.") from error
    _check_header(header, path)
    # pandas takes surplus values at the start of each row for the row's name, and shifts the rest.
    if width > len(header) or len(header) != len(frame.columns):
        raise DataError(
            f"{path}: rows do not fit the {len(header)} names of the header; give each column one name, and each row "
            f"as many values."
        )
    frame.columns = header
    return frame.reset_index() if frame.index.name == "timestamp" else frame


def _csv_start(path: Path) -> tuple[list[str], int]:
    """Return the names as they stand in the file, and the length of the first row.

    pandas makes up names that lack and renames those that repeat.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = (row for row in csv.reader(file) if len(row) > 1 or any(name.strip() for name in row))
        return next(rows, []), len(next(rows, []))


def _check_header(names: Sequence[str], path: Path) -> None:
    """Refuse a column without a name of its own: in the wide layout it would be traded."""
    first: dict[str, int] = {}
    for place, name in enumerate((name.strip() for name in names), start=1):
        if not name or re.fullmatch(r"Unnamed: \d+", name):
            found = f"is named {name!r}" if name else "has no name"
            raise DataError(
                f"{path}: column {place} {found}; name it, or leave it out when writing the file "
                f"(pandas: index=False, R: row.names=FALSE)."
            )
        if name in first:
            raise DataError(f"{path}: columns {first[name]} and {place} are both named {name!r}; keep or rename one.")
        first[name] = place


def _check_names(frame: pd.DataFrame, path: Path) -> None:
    names = list(frame.columns)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    for name in names:
        if name not in _LONG and name.strip().lower() in _LONG:
            raise DataError(f"{path}: rename column {name!r} to {name.strip().lower()!r}; names are lower case.")
    if frame.empty:
        raise DataError(f"{path}: holds no row; give a file with bars.")
    if "timestamp" not in names:
        raise DataError(f"{path}: column timestamp is missing, found {shown}; rename the column that holds the time.")
    if "close" not in names and (set(names) & set(_LONG) - {"timestamp"} or len(names) == 1):
        raise DataError(f"{path}: column close is missing, found {shown}; a bar needs at least its close.")
    ohl = [name for name in ("open", "high", "low") if name not in names]
    if "close" in names and 0 < len(ohl) < 3:
        raise DataError(f"{path}: column {ohl[0]} is missing, found {shown}; give open, high and low, or none of them.")
    if "imputed" in names and frame["imputed"].dtype != bool:
        raise DataError(f"{path}: column imputed holds {frame['imputed'].dtype}; write true or false in each row.")


def _symbols(frame: pd.DataFrame, path: Path) -> np.ndarray:
    absent = frame["symbol"].isna().to_numpy()
    if absent.any():
        raise DataError(f"{path}: row {int(np.argmax(absent)) + 1}: symbol is empty; name the asset of each row.")
    return frame["symbol"].astype(str).to_numpy(dtype=object)


def _numbers(column: pd.Series, *, origin: str, rows: np.ndarray) -> np.ndarray:
    """Return the column as float64; what is empty becomes NaN and is left to the checks on values."""
    numbers = pd.Series(pd.to_numeric(column, errors="coerce"))
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if wrong.any():
        place = int(np.argmax(wrong))
        raise DataError(
            f"{origin}: row {rows[place]}: {column.name} {column.iloc[place]!r} is not a number; "
            f"repair or remove the row."
        )
    return numbers.to_numpy(dtype=np.float64)
