"""The time column of a file, whatever its form, as UTC."""

import numpy as np
import pandas as pd

from .errors import DataError

_LATEST_SECOND = 10**11  # the year 5138; milliseconds since 1973 lie beyond it


def parse_timestamps(column: pd.Series, *, origin: str) -> pd.DatetimeIndex:
    """Return the column as UTC datetimes of whole seconds.

    Args:
        column: ISO 8601 texts, datetimes (UTC unless they name an offset), or whole seconds since the epoch.
        origin: what the message starts with.

    Raises:
        DataError: names the first row that is no such time.
    """
    if pd.api.types.is_bool_dtype(column) or (pd.api.types.is_float_dtype(column) and column.notna().all()):
        _refuse(column, np.ones(len(column), dtype=bool), origin, "is not a time; write ISO 8601 or whole seconds")
    if pd.api.types.is_integer_dtype(column):
        too_late = (column.abs() > _LATEST_SECOND).to_numpy()
        _refuse(column, too_late, origin, "is beyond the year 5000 in seconds; convert milliseconds to seconds")
        return pd.DatetimeIndex(pd.to_datetime(column, unit="s", utc=True)).as_unit("s")
    format = None if pd.api.types.is_datetime64_any_dtype(column) else "ISO8601"
    moments = pd.DatetimeIndex(pd.to_datetime(column, utc=True, format=format, errors="coerce"))
    _refuse(column, np.asarray(moments.isna()), origin, "is not a time; write ISO 8601, as 2015-12-31T16:00:00Z")
    seconds = moments.as_unit("s")
    _refuse(column, np.asarray(seconds != moments), origin, "has a fraction of a second; round it")
    return seconds


def _refuse(column: pd.Series, bad: np.ndarray, origin: str, problem: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"{origin}: row {row + 1}: timestamp {column.iloc[row]} {problem}.")
