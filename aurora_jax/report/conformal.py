"""Figures of the comparison of conformal methods: scores beside the best, and coverage and width over time."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ..study import OURS, IntervalMeasures, relative_scores
from .style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION, canvas, canvas_side_by_side, label, legend

_SHOWN = {
    OURS: BLUE,
    "AURORA, engine": SKY,
    "ACI .005": GREEN,
    "DtACI": ORANGE,
    "PID": PURPLE,
    "quantile tracking": VERMILLION,
}
_REACH = 1.25
_POOLED = {"us20": "20 stocks", "coins": "hourly coins", "simulated": "simulated"}
"""Groups whose series are alike, told of as one."""

Found = Mapping[str, Mapping[str, IntervalMeasures]]


def rows_of(groups: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the rows of a table or figure with their series: alike ones together, the others alone."""
    rows: dict[str, list[str]] = {}
    for series, group in groups.items():
        rows.setdefault(_POOLED.get(group, series), []).append(series)
    return rows


def conformal_scores_figure(found: Found, groups: Mapping[str, str]) -> Figure:
    """Draw each method's interval score over the best of its series, and its least coverage over 500 bars.

    Of a pooled row the median is a point and all series a thin line. What is beyond the edge stands at it.

    Args:
        found: by series and method.
        groups: of the series.
    """
    rows, relative = rows_of(groups), relative_scores(found)
    figure, (scores, worst) = canvas_side_by_side([1.2, 1.0], 0.3 * len(rows) + 0.2, left=1.75, gap=0.25, below=0.3)
    offsets = np.linspace(-0.28, 0.28, len(_SHOWN))
    for place, members in enumerate(rows.values()):
        for (name, colour), offset in zip(_SHOWN.items(), offsets, strict=True):
            values = np.minimum([relative[one][name] for one in members], _REACH)
            least = np.asarray([found[one][name].worst_rolling_coverage for one in members])
            for axes, seen in ((scores, values), (worst, least)):
                axes.plot([seen.min(), seen.max()], [place + offset] * 2, color=colour, linewidth=0.9, alpha=0.6)
                axes.plot(np.median(seen), place + offset, "o", color=colour, markersize=4)
    for axes in (scores, worst):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), list(rows) if axes is scores else [""] * len(rows))
    scores.axvline(1.02, color=MUTED, linewidth=0.8, linestyle="--")
    scores.set_xlim(0.995, _REACH + 0.005)
    worst.axvline(0.9, color=INK, linewidth=0.8)
    worst.margins(x=0.04)
    label(scores, title="Interval score over the best", y="", x="dashed: 2 % above; lower is better")
    label(worst, title="Least coverage over 500 bars", y="", x="nominal .9; higher is better")
    handles = [scores.plot([], [], "o", color=colour, markersize=4, label=name)[0] for name, colour in _SHOWN.items()]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize="small")
    return figure


def conformal_time_figure(curves: Mapping[str, Mapping[str, Mapping]], nominal: float) -> Figure:
    """Draw rolling coverage and median width of some series over the share of the series behind them.

    Args:
        curves: by series and method: bar, coverage and width over the 500 bars before; no width where it is infinite.
        nominal: coverage.
    """
    figure, panels = canvas([1.6, 1.1] * len(curves))
    for number, (series, methods) in enumerate(curves.items()):
        coverage, width = panels[2 * number : 2 * number + 2]
        for name, colour in _SHOWN.items():
            told = methods[name]
            thick = 1.6 if name == OURS else 1.0
            along = (np.asarray(told["bar"]) - told["bar"][0]) / (told["bar"][-1] - told["bar"][0])
            coverage.plot(along, told["coverage"], color=colour, linewidth=thick, label=name)
            widths = [np.nan if one is None else one for one in told["width"]]
            width.plot(along, widths, color=colour, linewidth=thick)
        coverage.axhline(nominal, color=INK, linewidth=0.8)
        label(coverage, title=f"{series}: coverage of 500 bars", y="share")
        label(width, title=f"{series}: median width of 500 bars", y="target's unit")
        if number == 0:
            legend(coverage)
    return figure
