"""Simulated futures against history."""

import numpy as np
from matplotlib.figure import Figure

from .content import Fan
from .style import BLUE, INK, MUTED, SKY, canvas_side_by_side, label, legend, percent_axis

_WINDOWS_DRAWN_MAX = 80


def fan_figure(fan: Fan) -> Figure:
    """Draw quantile bands of the simulated cumulative returns behind realised windows of equal length."""
    horizon = fan.simulated.shape[1]
    bars = np.arange(horizon + 1)
    start = np.zeros((1, 7))
    levels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    q01, q05, q25, q50, q75, q95, q99 = np.concatenate([start, np.quantile(fan.simulated, levels, axis=0).T]).T
    figure, (paths, ends) = canvas_side_by_side([3.2, 1.0], 3.6, gap=0.3, share_y=True)
    for low, high, alpha, name in (
        (q01, q99, 0.25, "98%"),
        (q05, q95, 0.4, "90%"),
        (q25, q75, 0.7, "50% of scenarios"),
    ):
        paths.fill_between(bars, low, high, color=SKY, alpha=alpha, linewidth=0, label=name)
    count = len(fan.history)
    drawn = fan.history[np.unique(np.linspace(0, count - 1, min(count, _WINDOWS_DRAWN_MAX)).astype(int))]
    for place, window in enumerate(drawn):
        name = f"history ({count} windows)" if place == 0 else None
        paths.plot(bars, np.append(0.0, window), color=INK, linewidth=0.5, alpha=0.45, label=name)
    paths.plot(bars, q50, color=BLUE, linewidth=1.6, label="median")
    label(paths, title="Scenario fan", y="cumulative log return", x="bars ahead")
    percent_axis(paths.yaxis)
    legend(paths)

    # A rug, not a histogram: windows of history are few.
    ends.hist(fan.simulated[:, -1], bins=30, orientation="horizontal", density=True, color=SKY, alpha=0.6)
    ends.hlines(drawn[:, -1], 0.0, 0.12 * ends.get_xlim()[1], color=INK, linewidth=0.9)
    ends.set_xticks([])
    ends.spines["bottom"].set_color(MUTED)
    label(ends, title=f"After {horizon} bars", y="", x="density")
    return figure


def history_inside(fan: Fan, *, share: float = 0.9) -> float:
    """Return the share of history's windows that end inside the central `share` of scenarios."""
    tail = 0.5 * (1.0 - share)
    low, high = np.quantile(fan.simulated[:, -1], [tail, 1.0 - tail])
    return float(np.mean((fan.history[:, -1] >= low) & (fan.history[:, -1] <= high)))
