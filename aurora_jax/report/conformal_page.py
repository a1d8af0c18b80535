"""The comparison of conformal methods as one HTML page that needs nothing else, and its words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..study import OURS, ConformalTargets, IntervalMeasures, conformal_targets, relative_scores
from .conformal import Found, rows_of
from .image import Picture
from .study_page import DrawnFigure
from .template import template

RIVALS = ("ACI .005", "ACI .05", "DtACI", "PID", "quantile tracking")
_CAPTIONS = {
    "scores": "Left: interval score over the best of its series. Right: least coverage over any 500 bars in a row. A "
    "point is the median of the series of a row, a line all of them; what is beyond the edge stands at it.",
    "time": "Coverage and median width of the 500 bars before, over the share of the series; gaps are infinite widths.",
}


class MethodLine(NamedTuple):
    """A method's line within a row of series: its name, coverage, width, infinite share, worst coverage, score."""

    cells: list[str]
    mark: str


def conformal_page(result: Mapping, found: Found, groups: Mapping[str, str], pictures: Mapping[str, Picture]) -> str:
    """Return the page of a comparison.

    Args:
        result: content of `conformal.json`.
        found: its measures, by series and method.
        groups: of the series.
        pictures: by name: scores, time.
    """
    return template("conformal.html.j2").render(
        subtitle=f"{len(found)} series at alpha = {result['miscoverage']:g}, after {result['burn_in_bars']} bars. One "
        "setting of each method for all.",
        verdict=conformal_verdict(found, groups, miscoverage=result["miscoverage"]),
        rows=conformal_summary(found, groups),
        figures=[DrawnFigure(pictures[name], text) for name, text in _CAPTIONS.items() if name in pictures],
        provenance=result["provenance"],
    )


def conformal_summary(found: Found, groups: Mapping[str, str]) -> dict[str, list[MethodLine]]:
    """Return the lines of every row of series; of several, the median and the range of what differs most."""
    relative = relative_scores(found)
    return {
        row: [
            MethodLine(
                _cells(name, [found[one][name] for one in members], [relative[one][name] for one in members]),
                "own" if name == OURS else "",
            )
            for name in found[members[0]]
        ]
        for row, members in rows_of(groups).items()
    }


def conformal_verdict(found: Found, groups: Mapping[str, str], *, miscoverage: float) -> str:
    """Say on how many series, and on how many rows of alike ones, the targets are met."""
    met = conformal_targets(found, miscoverage=miscoverage, rivals=RIVALS)
    pooled = {row: _medians(found, members) for row, members in rows_of(groups).items()}
    rows = conformal_targets(pooled, miscoverage=miscoverage, rivals=RIVALS)
    return (
        f"AURORA's guarded mixture: {_counts(met)} series. Alike series as one row, by medians: {_counts(rows)} rows."
    )


def _counts(met: ConformalTargets) -> str:
    return (
        f"coverage within its tolerance on {met.coverage}, interval score within 2 % of the best online method on "
        f"{met.interval_score} (of all methods, fixed rules included, on {met.interval_score_of_all}), "
        f"least coverage over 500 bars not below any of them on {met.worst_rolling_coverage}, of "
        f"{met.series}"
    )


def _medians(found: Found, members: Sequence[str]) -> dict[str, IntervalMeasures]:
    """Return the medians of alike series, their scores each over its best so that units do not mix."""
    relative = relative_scores(found)
    merged = {}
    for name in found[members[0]]:
        columns = np.median([[*found[one][name]] for one in members], axis=0)
        merged[name] = IntervalMeasures(int(columns[0]), *map(float, columns[1:]))._replace(
            interval_score=float(np.median([relative[one][name] for one in members]))
        )
    return merged


def _cells(name: str, measures: Sequence[IntervalMeasures], relative: Sequence[float]) -> list[str]:
    several = len(measures) > 1
    return [
        name,
        _range([one.coverage for one in measures], ".4f", several),
        f"{np.median([one.median_width for one in measures]):.4g}",
        f"{100.0 * np.median([one.infinite_share for one in measures]):.1f} %",
        _range([one.worst_rolling_coverage for one in measures], ".3f", several),
        _range(relative, ".3f", several),
    ]


def _range(values: Sequence[float], form: str, several: bool) -> str:
    middle = format(float(np.median(values)), form)
    return f"{middle} ({min(values):{form}} to {max(values):{form}})" if several else middle
