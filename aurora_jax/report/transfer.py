"""Figures of the transfer study: a graph found against the true one, and the gate's power."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from .style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PAPER,
    PURPLE,
    SKY,
    VERMILLION,
    canvas_side_by_side,
    label,
    legend,
    percent_axis,
)

_COLOURS = (GREEN, VERMILLION, BLUE, ORANGE, PURPLE, SKY)
_FOUND, _FALSE, _MISSED = BLUE, VERMILLION, ORANGE


def graphs_figure(found: np.ndarray, truth: np.ndarray) -> Figure:
    """Draw a true graph, the one found and their difference as grids of source by target.

    Args:
        found: [sources, targets], bool.
        truth: likewise.
    """
    figure, panels = canvas_side_by_side([1.0, 1.0, 1.0], 2.9, left=0.6, gap=0.45, below=0.3, share_y=True)
    colours = [
        np.where(truth, INK, PAPER),
        np.where(found, INK, PAPER),
        np.where(found & truth, _FOUND, np.where(found, _FALSE, np.where(truth, _MISSED, PAPER))),
    ]
    names = "true graph", "found", "hits and misses"
    for axes, cells, name in zip(panels, colours, names, strict=True):
        size = truth.shape[0]
        axes.grid(False)
        for source in range(size):
            for target in range(size):
                colour = PALE if source == target else str(cells[source, target])
                axes.add_patch(_square(target, source, colour))
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        axes.set_xticks(range(size))
        axes.set_yticks(range(size))
        axes.set_aspect("equal")
        label(axes, title=name, y="source" if axes is panels[0] else "", x="target")
    handles = [
        Patch(color=_FOUND, label="found"),
        Patch(color=_MISSED, label="missed"),
        Patch(color=_FALSE, label="false"),
    ]
    figure.legend(handles=handles, loc="lower right", ncols=3, frameon=False, fontsize="small")
    return figure


def _square(column: int, row: int, colour: str) -> Rectangle:
    return Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=colour, edgecolor=PALE, linewidth=0.5)


def power_figure(shares: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Draw the share of pairs that are READY over the number of bars, with two standard errors.

    Args:
        shares: by target domain, triples of bars, share and standard error.
    """
    figure, (axes,) = canvas_side_by_side([1.0], 3.0, left=0.75)
    for place, ((name, points), colour) in enumerate(zip(shares.items(), _COLOURS, strict=False)):
        bars, share, error = np.asarray(points, float).T
        bars = bars * 2.0 ** (0.02 * place)  # side by side: several lie at 0
        axes.errorbar(
            bars, share, 2.0 * error, color=colour, label=name, linewidth=1.5, marker="o", markersize=4, capsize=2
        )
    axes.axhline(0.8, color=INK, linewidth=0.8, linestyle=":")
    axes.axhline(0.1, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xscale("log", base=2)
    ticks = sorted({point[0] for points in shares.values() for point in points})
    axes.set_xticks(ticks, [f"{int(tick):,}" for tick in ticks])
    axes.margins(x=0.05)
    axes.set_ylim(-0.02, 1.05)
    percent_axis(axes.yaxis)
    label(axes, title="READY", y="share of pairs", x="bars of either domain (5 % of them extreme)")
    legend(axes, columns=5)
    return figure
