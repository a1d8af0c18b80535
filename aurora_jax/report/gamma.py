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
    if np.min(chosen_on[:, 0]) <= sharpe_min <= np.max(chosen_on[:, 0]):  # else it would only squeeze the points
        panels[0].axvline(sharpe_min, color=MUTED, linewidth=1.0, linestyle=":")
    return figure


def _draw(axes: Axes, gammas: Sequence[float], points, efficient: Sequence[bool], chosen: int | None) -> None:
    front = np.flatnonzero(efficient)
    front = front[np.argsort(points[front, 0])]
    axes.plot(points[front, 0], points[front, 1], color=BLUE, linewidth=1.2)
    for place, (sharpe, cvar) in enumerate(points):
        colour = ORANGE if place == chosen else BLUE if efficient[place] else MUTED
        axes.plot(
            sharpe, cvar, "o", color=colour, markersize=7 if place == chosen else 5, zorder=3 if place == chosen else 2
        )
    middle = 0.5 * (np.min(points[:, 0]) + np.max(points[:, 0]))
    for point, name in _names(gammas, points).items():
        # To the side where there is room.
        side, gap = ("left", 6) if point[0] <= middle else ("right", -6)
        axes.annotate(name, point, (gap, 4), textcoords="offset points", ha=side, fontsize=8, color=INK)
    axes.margins(0.15)


def _names(gammas: Sequence[float], points) -> dict[tuple[float, float], str]:
    """Return the gammas of each point; several may have led to the same decisions."""
    found: dict[tuple[float, float], str] = {}
    for gamma, point in zip(gammas, points, strict=True):
        key = (float(point[0]), float(point[1]))
        found[key] = f"{found[key]}, {gamma:g}" if key in found else f"{gamma:g}"
    return found
