"""The figure of a gamma grid: what each gamma cost in the tail, and earned."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import BLUE, INK, MUTED, ORANGE, canvas_side_by_side, label, percent_axis


def gamma_figure(
    gammas: Sequence[float],
    chosen_on: Float[np.ndarray, "points 2"],
    reported_on: Float[np.ndarray, "points 2"],
    *,
    efficient: Sequence[bool],
    chosen: int | None,
    sharpe_min: float,
) -> Figure:
    """Draw CVaR against Sharpe ratio on both periods: right and low is better.

    Args:
        gammas: of the points.
        chosen_on: Sharpe ratio and CVaR at 95 % of each, on the period that chooses.
        reported_on: the same on the other.
        efficient: which are on the Pareto front of the first.
        chosen: which one was chosen; None if none may be.
        sharpe_min: least Sharpe ratio that may be chosen.
    """
    figure, panels = canvas_side_by_side([1.0, 1.0], 2.8, gap=1.0)
    for axes, points, title in (
        (panels[0], chosen_on, "First period: chooses"),
        (panels[1], reported_on, "Second period: reports"),
    ):
        _draw(axes, gammas, points, efficient, chosen)
        label(axes, title=title, y="CVaR at 95 %, a bar", x="Sharpe ratio, a year")
        percent_axis(axes.yaxis)
    panels[0].axvline(sharpe_min, color=MUTED, linewidth=1.0, linestyle=":")
    return figure


def _draw(axes: Axes, gammas: Sequence[float], points, efficient: Sequence[bool], chosen: int | None) -> None:
    front = np.flatnonzero(efficient)
    front = front[np.argsort(points[front, 0])]
    axes.plot(points[front, 0], points[front, 1], color=BLUE, linewidth=1.2)
    for place, (gamma, (sharpe, cvar)) in enumerate(zip(gammas, points, strict=True)):
        colour = ORANGE if place == chosen else BLUE if efficient[place] else MUTED
        axes.plot(sharpe, cvar, "o", color=colour, markersize=7 if place == chosen else 5)
        axes.annotate(f"{gamma:g}", (sharpe, cvar), (4, 4), textcoords="offset points", fontsize=8, color=INK)
    axes.margins(0.12)
