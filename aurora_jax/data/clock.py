"""Seconds since the epoch and ISO 8601, always UTC."""

from datetime import UTC, datetime

import numpy as np

from .errors import DataError


def from_iso(text: str) -> int:
    """Return the seconds since the Unix epoch of an ISO date or time; UTC unless it names an offset.

    Raises:
        DataError: if `text` is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"{text!r} is not an ISO 8601 date; write it as 2015-12-31 or 2015-12-31T16:00:00+00:00."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def to_iso(seconds: int | np.integer) -> str:
    """Return the ISO form of a time, without the clock if it is midnight."""
    text = str(np.datetime64(int(seconds), "s"))
    return text.removesuffix("T00:00:00") if text.endswith("T00:00:00") else f"{text}Z"
