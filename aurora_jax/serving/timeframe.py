"""Times and timeframes as clients write them."""

import re
from datetime import UTC, datetime

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TIMEFRAME = re.compile(r"([1-9]\d{0,6})(s|m|min|h|d|w)")
_LATEST = 253_402_300_799  # the last second of the year 9999


def timeframe_seconds(text: str) -> int:
    """Return the length of a bar written as 1d, 4h, 15m, 15min, 30s or 1w.

    Raises:
        ValueError: if it is not written so.
    """
    match = _TIMEFRAME.fullmatch(text)
    if match is None:
        raise ValueError(f"must be written as 30s, 15m, 4h, 1d or 1w, was {text!r:.80}")
    return int(match[1]) * _SECONDS[match[2]]


def timeframe_name(seconds: int) -> str:
    """Return the timeframe in its largest unit, e.g. 1d."""
    for unit in ("w", "d", "h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def epoch_seconds(value: object) -> int:
    """Return seconds since the Unix epoch, UTC, of an ISO 8601 text or a number of seconds; fractions are dropped.

    Raises:
        ValueError: if it is neither, or before 1970 or after the year 9999.
    """
    wanted = "must be an ISO 8601 time such as 2026-01-31T21:00:00Z, or seconds since 1970"
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise ValueError(f"{wanted}, was {value!r:.80}") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{wanted}, was {value!r:.80}")
    if not 0 <= value <= _LATEST:
        raise ValueError(f"{wanted} (not milliseconds), was {value!r:.80}")
    return int(value)


def iso(seconds: int) -> str:
    """Return a time as ISO 8601 text, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
