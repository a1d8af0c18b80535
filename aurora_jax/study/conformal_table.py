"""What a comparison of conformal methods says: rows of series, relative to the best of each."""

from collections.abc import Mapping
from typing import NamedTuple

from .conformal_measures import IntervalMeasures

OURS = "AURORA"
Found = Mapping[str, Mapping[str, IntervalMeasures]]
"""By series and method."""


class ConformalTargets(NamedTuple):
    """On how many of the series our method keeps each target.

    Attributes:
        series: compared.
        coverage: within .01 of nominal at 10,000 bars, within .02 at 2,000, in between by the square root of bars.
        interval_score: at most 2 % above the best of the rivals.
        interval_score_of_all: likewise of every other method, the rules that do not answer their misses included.
        worst_rolling_coverage: at least that of every other method; equal counts.
    """

    series: int
    coverage: int
    interval_score: int
    interval_score_of_all: int
    worst_rolling_coverage: int


def conformal_targets(found: Found, *, miscoverage: float, rivals: tuple[str, ...]) -> ConformalTargets:
    """Count the targets that ours keeps against `rivals`."""
    kept = [(measures[OURS], [measures[name] for name in rivals]) for measures in found.values()]
    least = [min(one.interval_score for name, one in measures.items() if name != OURS) for measures in found.values()]
    return ConformalTargets(
        len(kept),
        sum(abs(ours.coverage - 1.0 + miscoverage) <= coverage_tolerance(ours.bars) for ours, _ in kept),
        sum(ours.interval_score <= 1.02 * min(one.interval_score for one in others) for ours, others in kept),
        sum(ours.interval_score <= 1.02 * best for (ours, _), best in zip(kept, least, strict=True)),
        # Shares of the same number of bars: what differs by less than one of them is equal.
        sum(
            ours.worst_rolling_coverage >= max(one.worst_rolling_coverage for one in others) - 1e-9
            for ours, others in kept
        ),
    )


def coverage_tolerance(bars: int) -> float:
    """Return .02 up to 2,000 bars, .01 from 10,000 on, and what 1 / sqrt(bars) makes of both in between."""
    low, high = 2000.0, 10000.0
    if bars <= low:
        return 0.02
    if bars >= high:
        return 0.01
    share = (bars**-0.5 - high**-0.5) / (low**-0.5 - high**-0.5)
    return 0.01 + 0.01 * share


def relative_scores(found: Found) -> dict[str, dict[str, float]]:
    """Return each method's interval score over the least of its series."""
    return {
        series: {
            name: one.interval_score / min(other.interval_score for other in measures.values())
            for name, one in measures.items()
        }
        for series, measures in found.items()
    }
