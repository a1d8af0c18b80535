"""Forecasts and what became of them, on one line per bar."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ..core import Outcome
from ..replay import ReplayRow


class Settled(NamedTuple):
    """The interval that was certified for each bar one bar before, and the return that came.

    Attributes:
        returns: realised log returns.
        lower: bounds of the log return; NaN where there was no forecast, infinite where none was promised.
        upper: likewise.
        observed: a forecast was settled on this bar.
        missed: and did not cover.
    """

    returns: Float[np.ndarray, "bars assets"]
    lower: Float[np.ndarray, "bars assets"]
    upper: Float[np.ndarray, "bars assets"]
    observed: Bool[np.ndarray, "bars assets"]
    missed: Bool[np.ndarray, "bars assets"]

    def of(self, asset: int) -> "Settled":
        """Return the columns of one asset."""
        return Settled(*(part[:, asset : asset + 1] for part in self))


def settled(rows: ReplayRow) -> Settled:
    """Line the forecasts of a replay up with the bars that they were about."""
    info = rows.info
    observed = np.asarray(info.settlement.observed, bool)
    interval = info.certificate.interval
    # A row reports the interval of the *next* bar.
    lower, upper = (_next_bar(np.asarray(bound, float), observed) for bound in (interval.lower, interval.upper))
    missed = np.asarray(info.settlement.missed, bool) & observed
    return Settled(np.asarray(info.settlement.returns, float), lower, upper, observed, missed)


def _next_bar(values, observed):
    moved = np.concatenate([np.full((1, values.shape[1]), np.nan), values[:-1]])
    return np.where(observed, moved, np.nan)


def is_live(rows: ReplayRow) -> Bool[np.ndarray, " bars"]:
    """Return the bars on which the engine decided: not warming up, and the bar was taken in."""
    return np.asarray(rows.info.outcome) == int(Outcome.OK)


def rolling_share(
    events: Bool[np.ndarray, "bars columns"], counted: Bool[np.ndarray, "bars columns"], *, window_bars: int
) -> Float[np.ndarray, " bars"]:
    """Return the share of `counted` entries that are `events` in the trailing window; NaN until it is half full."""
    hits, total = (_trailing_sum(np.sum(part, axis=1), window_bars) for part in (events & counted, counted))
    enough = total >= 0.5 * window_bars * counted.shape[1]
    return np.where(enough, hits / np.maximum(total, 1.0), np.nan)


def _trailing_sum(values, window_bars: int):
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    start = np.maximum(np.arange(values.size) + 1 - window_bars, 0)
    return sums[1:] - sums[start]


def rolling_mean(values: Float[np.ndarray, " bars"], *, window_bars: int) -> Float[np.ndarray, " bars"]:
    """Return the trailing mean of what is finite; NaN where nothing is."""
    finite = np.isfinite(values)
    total = _trailing_sum(finite, window_bars)
    return np.where(
        total > 0, _trailing_sum(np.where(finite, values, 0.0), window_bars) / np.maximum(total, 1.0), np.nan
    )


def window_for(bars: int, *, longest: int = 250) -> int:
    """Return a trailing window that leaves most of a short history to look at."""
    return int(np.clip(bars // 4, 2, longest))
