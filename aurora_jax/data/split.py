"""Training, validation and test periods, with an embargo between them."""

from typing import NamedTuple

import numpy as np

from .clock import from_iso, to_iso
from .errors import DataError
from .market_data import MarketData


class Split(NamedTuple):
    """Three periods in order of time; between two of them the embargoed bars are left out."""

    train: MarketData
    validation: MarketData
    test: MarketData


def split(data: MarketData, *, train_end: str, validation_end: str, embargo_bars: int) -> Split:
    """Cut `data` at two dates and drop the first `embargo_bars` after each cut.

    With an embargo as long as the longest window, no feature of a later period has seen a bar of an earlier one.

    Args:
        data: sorted bars.
        train_end: ISO date; training bars lie before it.
        validation_end: ISO date; validation bars lie before it, test bars from it on.
        embargo_bars: bars dropped from the start of validation and of test, at least 0.

    Raises:
        DataError: if a period is left empty; names it.
        ValueError: if `embargo_bars` is negative or the dates are not in order.
    """
    if embargo_bars < 0:
        raise ValueError(f"embargo_bars must be at least 0, was {embargo_bars}.")
    if from_iso(train_end) >= from_iso(validation_end):
        raise ValueError(f"train_end must be before validation_end, were {train_end} and {validation_end}.")
    first, second = (int(np.searchsorted(data.times, from_iso(end))) for end in (train_end, validation_end))
    bounds = {
        "train": (0, first),
        "validation": (first + embargo_bars, second),
        "test": (second + embargo_bars, len(data.times)),
    }
    for name, (start, stop) in bounds.items():
        if start >= stop:
            raise DataError(
                f"{data.symbol}: no bar is left for {name} with cuts at {train_end} and {validation_end} and "
                f"{embargo_bars} bars of embargo; the data holds {len(data.times)} bars, "
                f"{to_iso(data.times[0])} to {to_iso(data.times[-1])}."
            )
    return Split(*(data.rows(start, stop) for start, stop in bounds.values()))


_REMEDIES = {
    "train": "set train_end later",
    "validation": "set train_end earlier or validation_end later",
    "test": "set validation_end earlier",
}


def require_bars(periods: Split, *, name: str, train: int = 1, validation: int = 1, test: int = 1) -> Split:
    """Return `periods` itself if each of them holds the bars that the use in mind needs.

    Args:
        periods: what `split` returned.
        name: of the stream or file, which starts the message.
        train: fewest bars of the training period, such as the warm-up of the features and a window.
        validation: fewest bars of the validation period.
        test: fewest bars of the test period.

    Raises:
        DataError: names the first period that is too short, its bars and dates, the bars needed, and the remedy.
        ValueError: if fewer than 1 bar is asked for.
    """
    for period, needed in (("train", train), ("validation", validation), ("test", test)):
        if needed < 1:
            raise ValueError(f"{period} must be at least 1 bar, was {needed}.")
        data: MarketData = getattr(periods, period)
        found = len(data.times)
        if found < needed:
            span = f" ({to_iso(data.times[0])} to {to_iso(data.times[-1])})" if found else ""
            raise DataError(
                f"{name}: the {period} period holds {found} bars{span} and at least {needed} are needed; "
                f"{_REMEDIES[period]}, give a longer history, or shorten the windows."
            )
    return periods
