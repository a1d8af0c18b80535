"""Figures of the forecast study: calibration of each forecaster, and where the student gains on its rivals."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    canvas,
    canvas_side_by_side,
    date_axis,
    label,
    legend,
)

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY)


def transforms_figure(histograms: Mapping[str, Float[np.ndarray, " bins"]]) -> Figure:
    """Draw the histogram of each forecaster's probability transforms; flat if its laws are right.

    A hump says that its laws are too wide, a valley that they are too narrow.
    """
    figure, panels = canvas_side_by_side([1.0] * len(histograms), 1.7, left=0.55, gap=0.25, share_y=True)
    highest = max(float(np.max(shares)) for shares in histograms.values())
    for axes, (name, shares), colour in zip(panels, histograms.items(), _COLOURS, strict=False):
        bins = len(shares)
        axes.bar((np.arange(bins) + 0.5) / bins, shares, width=0.92 / bins, color=colour)
        axes.axhline(1.0 / bins, color=INK, linewidth=0.9, linestyle="--")
        axes.set_ylim(0.0, 1.15 * highest)
        axes.set_xticks([0.0, 0.5, 1.0], ["0", "½", "1"])
        label(axes, title=name, y="")
    return figure


def gains_figure(
    dates: np.ndarray,
    gains: Mapping[str, Mapping[str, Float[np.ndarray, " bars"]]],
    names: Sequence[str] = ("CRPS", "NLL"),
) -> Figure:
    """Draw what the student has gained on each rival since the first forecast: rising where it loses less.

    Args:
        dates: of the bars.
        gains: loss of the rival less the student's, bar by bar, by score and rival.
        names: scores that are drawn, a panel each.
    """
    figure, panels = canvas([1.9] * len(names))
    for axes, name in zip(panels, names, strict=True):
        for (rival, gain), colour in zip(gains[name].items(), _COLOURS[1:], strict=False):
            total = np.cumsum(gain)
            unit = 1.0 if name == "NLL" else 100.0
            axes.plot(dates, unit * total, color=colour, linewidth=1.2, label=f"on {rival}")
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        label(axes, title=f"Gain in {name}", y="nats" if name == "NLL" else "% of price")
    legend(panels[0])
    date_axis(panels[-1], dates)
    return figure
