"""Which linear family explains the market, over time."""

import numpy as np
from matplotlib.figure import Figure

from ..core import Regime
from .content import StreamReport
from .settled import is_live, rolling_mean
from .style import BLUE, GREEN, INK, ORANGE, canvas, date_axis, label, legend, percent_axis

_FAMILIES = {Regime.AR: BLUE, Regime.ARMA: GREEN, Regime.GARCH: ORANGE}
_SMOOTHED_BARS = 10


def regime_figure(stream: StreamReport) -> Figure:
    """Draw the router's probabilities as stacked shares, and the crossbar index that declares transitions."""
    info, live = stream.rows.info, is_live(stream.rows)
    figure, (families, crossbar) = canvas([1.9, 1.1])
    smooth = min(_SMOOTHED_BARS, max(len(live) // 4, 1))
    probabilities = np.asarray(info.climate.probabilities, float)
    mean = np.stack([rolling_mean(column, window_bars=smooth) for column in probabilities.T])
    families.stackplot(
        stream.dates,
        np.where(live, mean, 0.0),
        labels=[family.name for family in _FAMILIES],
        colors=list(_FAMILIES.values()),
        alpha=0.75,
        linewidth=0,
    )
    families.set_ylim(0.0, 1.0)
    percent_axis(families.yaxis)
    label(families, title=f"Router: probability of each family, mean of {smooth} bars", y="probability")
    legend(families)

    index = np.where(live, np.asarray(info.climate.crossbar, float), np.nan)
    crossbar.plot(stream.dates, index, color=INK, linewidth=1.0, label="crossbar index")
    crossbar.set_ylim(bottom=0.0)
    low, high = crossbar.get_ylim()
    crossbar.fill_between(
        stream.dates,
        low,
        high,
        where=np.asarray(info.in_transition, bool) & live,
        color=ORANGE,
        alpha=0.35,
        linewidth=0,
        step="mid",
        label="in transition",
    )
    crossbar.set_ylim(low, high)
    label(crossbar, title="Crossbar index", y="index")
    legend(crossbar)
    date_axis(crossbar, stream.dates)
    return figure
