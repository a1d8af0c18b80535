"""Figures of portfolios: a frontier over the radius, and rules that walked forward over history."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from ..backtest import drawdowns, equity_curve
from ..core import Allocation
from .style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PALE,
    PURPLE,
    VERMILLION,
    canvas,
    canvas_side_by_side,
    date_axis,
    label,
    legend,
    percent_axis,
    plain_log_axis,
)

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION)
_RIVAL_COLOURS = {"least variance": GREEN, "equal weight": MUTED}
_RADIUS_LABEL = "radius, multiples of p ES(equal weight)"


def frontier_figure(radii: Float[np.ndarray, " radii"], found: Allocation) -> Figure:
    """Draw the least worst-case shortfall over the radius, the shortfall on the scenarios, and how far from 1/N.

    Args:
        radii: ascending, in units of return.
        found: allocation at each.
    """
    figure, (risk, weights) = canvas_side_by_side([1.0, 1.0], 2.6, below=0.1)
    risk.plot(radii, np.asarray(found.worst_case_es), color=BLUE, linewidth=1.6, label="worst case")
    risk.plot(radii, np.asarray(found.es), color=ORANGE, linewidth=1.6, label="on the scenarios")
    held = np.asarray(found.weights)
    weights.plot(radii, held, color=PALE, linewidth=0.8)
    weights.axhline(1.0 / held.shape[1], color=INK, linewidth=0.8, linestyle="--", label="1/N")
    for axes in (risk, weights):
        percent_axis(axes.yaxis)
        percent_axis(axes.xaxis)
    label(risk, title="Expected shortfall", y="loss of one bar", x="radius")
    label(weights, title="Weights of the assets", y="", x="radius")
    legend(risk)
    legend(weights)
    return figure


def radius_figure(
    multiples: Sequence[float],
    robust: Sequence[str],
    periods: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    rivals: Sequence[str],
) -> Figure:
    """Draw realised shortfall and Sharpe ratio over the radius, with rivals as lines.

    Args:
        multiples: of the radius.
        robust: names of the rules at them.
        periods: by period (the last is the one reported), rule and statistic: value and standard error.
        rivals: names of rules without a radius.
    """
    figure, panels = canvas_side_by_side([1.0, 1.0], 2.6, below=0.55)
    places, reported = np.arange(len(multiples)), list(periods)[-1]
    for axes, (statistic, title) in zip(
        panels, {"shortfall": "Realised ES 95 of a day", "sharpe": "Sharpe ratio"}.items(), strict=True
    ):
        for period, rules in periods.items():
            told = np.array([rules[name][statistic] for name in robust])
            last = period == reported
            style = {"color": BLUE, "linewidth": 1.6} if last else {"color": BLUE, "linewidth": 1.0, "linestyle": ":"}
            axes.plot(places, told[:, 0], marker="o", markersize=4 if last else 2.5, label=f"DRO-ES, {period}", **style)
            if last:
                axes.fill_between(
                    places, *_band(told), color=BLUE, alpha=0.15, linewidth=0, label="± one standard error"
                )
        for name in rivals:
            axes.axhline(
                periods[reported][name][statistic][0], color=_RIVAL_COLOURS.get(name, INK), linewidth=1.3, label=name
            )
        axes.set_xticks(places, [f"{multiple:g}" for multiple in multiples])
        axes.margins(x=0.04)
        label(axes, title=title, y="", x=_RADIUS_LABEL)
    percent_axis(panels[0].yaxis)
    # Under both panels: inside one it would cover lines.
    handles = panels[0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize="small")
    return figure


def _band(told: Float[np.ndarray, "radii 2"]) -> tuple[np.ndarray, np.ndarray]:
    return told[:, 0] - told[:, 1], told[:, 0] + told[:, 1]


def growth_figure(
    dates: np.ndarray, accounts: Mapping[str, Float[np.ndarray, " bars"]], *, reported_from: np.datetime64
) -> Figure:
    """Draw growth of 1 and drawdown of each account, with a line where the reported period begins."""
    figure, (growth, falls) = canvas([2.5, 1.5])
    for (name, net_returns), colour in zip(accounts.items(), _COLOURS, strict=False):
        equity = equity_curve(net_returns)
        growth.plot(dates, equity, color=colour, linewidth=1.2, label=f"{name}: {equity[-1]:.1f}")
        falls.plot(dates, -drawdowns(net_returns), color=colour, linewidth=0.8)
    for axes in (growth, falls):
        axes.axvline(reported_from, color=INK, linewidth=0.8, linestyle="--")  # pyright: ignore[reportArgumentType]
    plain_log_axis(growth)
    label(growth, title="Growth of 1, net", y="equity, log scale")
    label(falls, title="Drawdown", y="below the peak")
    percent_axis(falls.yaxis)
    falls.set_ylim(top=0.0)
    legend(growth)
    date_axis(falls, dates)
    return figure
