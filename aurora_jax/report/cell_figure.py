"""A cell of a data set drawn: its fan, and its tail against the baseline's and a Gaussian's."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from scipy.stats import norm

from .cell_sketch import LOSS_LEVELS, CellSketch
from .style import BLUE, MUTED, SKY, VERMILLION, canvas_side_by_side, label, legend, percent, percent_axis

_FEWEST_LOSSES = 5  # a survival estimated from fewer is mostly chance
_TAIL_SHARE = 0.3  # where the tail's picture begins


def cell_figure(cell: CellSketch, *, baseline: CellSketch | None) -> Figure:
    """Draw quantile bands of cumulative log returns, and the survival of losses on logarithmic axes.

    Args:
        cell: what to draw.
        baseline: the baseline cell to compare with; None where there is none or `cell` is it.
    """
    figure, (fan, tail) = canvas_side_by_side([1.25, 1.0], 3.1, gap=0.95)
    levels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    q01, q05, q25, q50, q75, q95, q99 = np.quantile(cell.fan, levels, axis=0)
    for low, high, alpha, name in ((q01, q99, 0.25, "98%"), (q05, q95, 0.4, "90%"), (q25, q75, 0.7, "50%")):
        fan.fill_between(cell.steps, low, high, color=SKY, alpha=alpha, linewidth=0, label=name)
    fan.plot(cell.steps, q50, color=BLUE, linewidth=1.6, label="median")
    label(fan, title="Fan", y="cumulative log return", x="bars")
    percent_axis(fan.yaxis)
    legend(fan)

    largest = _survival(tail, cell, color=BLUE, name="this cell", width=1.8)
    if baseline is not None:
        largest = max(largest, _survival(tail, baseline, color=VERMILLION, name="baseline", width=1.3))
    gaussian = norm.sf(LOSS_LEVELS, loc=cell.mean, scale=cell.deviation)
    tail.plot(LOSS_LEVELS, gaussian, color=MUTED, linewidth=1.1, linestyle="--", label="Gaussian")
    tail.set_xscale("log")
    tail.set_yscale("log")
    start = LOSS_LEVELS[np.argmax(cell.exceedances < _TAIL_SHARE * cell.losses)]
    if baseline is not None:
        start = min(start, LOSS_LEVELS[np.argmax(baseline.exceedances < _TAIL_SHARE * baseline.losses)])
    tail.set_xlim(start, max(1.3 * largest, 2.0 * start))
    shown = [cell] if baseline is None else [cell, baseline]
    highest = max(float(one.exceedances[LOSS_LEVELS >= start][0]) / one.losses for one in shown)
    tail.set_ylim(0.5 * _FEWEST_LOSSES / cell.losses, min(1.2 * highest, 1.0))
    tail.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    tail.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    tail.xaxis.set_minor_locator(NullLocator())
    tail.yaxis.set_minor_locator(NullLocator())
    label(tail, title="Tail", y="share of losses above", x="loss in a bar")
    legend(tail)
    return figure


def _survival(axes, cell: CellSketch, *, color: str, name: str, width: float) -> float:
    """Draw a survival curve where enough losses speak for it and return its last level."""
    shown = cell.exceedances >= _FEWEST_LOSSES
    levels = LOSS_LEVELS[shown]
    axes.plot(levels, cell.exceedances[shown] / cell.losses, color=color, linewidth=width, label=name)
    return float(levels[-1]) if levels.size else float(LOSS_LEVELS[0])
