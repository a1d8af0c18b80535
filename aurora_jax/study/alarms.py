"""How late a detector is at a given rate of false alarms."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Passages(NamedTuple):
    """First alarms of a detector at each of many thresholds.

    Attributes:
        thresholds: rising.
        risk_bars: bars of each stationary series up to its first alarm, or all.
        alarmed: whether there was one.
        delay_bars: of each flip, bars from it to the first alarm, 1 for its own bar; +inf without one.
        counted: False where there was an alarm before the flip.
    """

    thresholds: Float[np.ndarray, " grid"]
    risk_bars: Int[np.ndarray, "stationary grid"]
    alarmed: Bool[np.ndarray, "stationary grid"]
    delay_bars: Float[np.ndarray, "flips grid"]
    counted: Bool[np.ndarray, "flips grid"]

    @property
    def rates(self) -> Float[np.ndarray, " grid"]:
        """Alarms per bar at risk: the maximum-likelihood rate of first alarms, censored ones included."""
        return self.alarmed.sum(0) / self.risk_bars.sum(0)


class Delay(NamedTuple):
    """What a detector does at one rate of false alarms.

    Attributes:
        rate: measured false alarms per bar, at most the one asked for.
        threshold: at which they come.
        median_bars: delay; +inf where fewer than half of the flips are found.
        low_bars: 2.5 % point of the median over resampled series, stationary and flipped.
        high_bars: 97.5 % point.
        found_share: of flips with an alarm within the horizon.
        lost_share: of flips that an earlier alarm hides.
    """

    rate: float
    threshold: float
    median_bars: float
    low_bars: float
    high_bars: float
    found_share: float
    lost_share: float


def passages(
    stationary: Float[np.ndarray, "stationary bars"],
    flipped: Float[np.ndarray, "flips more_bars"],
    *,
    first_bar: int,
    flip_bar: int,
    grid: int = 400,
) -> Passages:
    """Find the first alarms, an alarm being a value above the threshold.

    Args:
        stationary: values of the detector on series without a change.
        flipped: on series with one.
        first_bar: from which alarms count; before it windows fill.
        flip_bar: of the change.
        grid: number of thresholds, at quantiles of the stationary values.
    """
    quiet = np.maximum.accumulate(stationary[:, first_bar:], axis=1)
    levels = np.unique(quiet[np.isfinite(quiet)])
    thresholds = levels[np.unique(np.linspace(0, levels.size - 1, grid).astype(int))]
    first = np.stack([np.searchsorted(row, thresholds, side="right") for row in quiet])
    early = np.max(flipped[:, first_bar:flip_bar], axis=1)
    late = np.maximum.accumulate(flipped[:, flip_bar:], axis=1)
    found = np.stack([np.searchsorted(row, thresholds, side="right") for row in late])
    bars = quiet.shape[1]
    return Passages(
        thresholds=thresholds,
        risk_bars=np.minimum(first + 1, bars),
        alarmed=first < bars,
        delay_bars=np.where(found < late.shape[1], found + 1.0, np.inf),
        counted=early[:, None] <= thresholds[None, :],
    )


def delay_at(
    found: Passages, rate: float, *, within_bars: int, generator: np.random.Generator, resamples: int = 400
) -> Delay:
    """Return the delay at the lowest threshold whose false alarms are at most `rate` per bar.

    The interval of the median resamples stationary series, which set the threshold, and flips, both whole.

    Raises:
        ValueError: if no threshold is that quiet, for stationary series too short.
    """
    place = _quiet_enough(found.rates, rate)
    if place is None:
        raise ValueError(f"no threshold has a false-alarm rate of at most {rate:g}; simulate longer stationary series.")
    medians = []
    for _ in range(resamples):
        rows = generator.integers(len(found.alarmed), size=len(found.alarmed))
        again = _quiet_enough(found.alarmed[rows].sum(0) / found.risk_bars[rows].sum(0), rate)
        flips = generator.integers(len(found.delay_bars), size=len(found.delay_bars))
        if again is not None:
            medians.append(_median(found.delay_bars[flips, again][found.counted[flips, again]]))
    counted = found.counted[:, place]
    delays = found.delay_bars[counted, place]
    low, high = np.quantile(medians, [0.025, 0.975], method="inverted_cdf")
    return Delay(
        rate=float(found.rates[place]),
        threshold=float(found.thresholds[place]),
        median_bars=_median(delays),
        low_bars=float(low),
        high_bars=float(high),
        found_share=float(np.mean(delays <= within_bars)) if delays.size else 0.0,
        lost_share=float(1.0 - counted.mean()),
    )


def curve(found: Passages) -> list[tuple[float, float]]:
    """Return false-alarm rate and median delay at each threshold, the quietest last."""
    told = []
    for place, rate in enumerate(found.rates):
        delays = found.delay_bars[found.counted[:, place], place]
        told.append((float(rate), _median(delays)))
    return told


def _quiet_enough(rates: Float[np.ndarray, " grid"], rate: float) -> int | None:
    quiet = np.flatnonzero(rates <= rate)
    return int(quiet[0]) if quiet.size else None


def _median(delays: Float[np.ndarray, " flips"]) -> float:
    """Return the lower median, which is a delay that occurred; +inf of none."""
    return float(np.quantile(delays, 0.5, method="inverted_cdf")) if delays.size else float("inf")
