"""The parts of kappa_plus."""

import numpy as np
from matplotlib.figure import Figure

from .content import StreamReport
from .settled import is_live, rolling_mean
from .style import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION, canvas, date_axis, label, legend

_SMOOTHED_BARS = 21


def kappa_figure(stream: StreamReport) -> Figure:
    """Draw the three uncertainties behind kappa, and how kappa and calibration make kappa_plus."""
    info, live = stream.rows.info, is_live(stream.rows)
    figure, (parts, whole) = canvas([1.7, 1.7])
    smooth = min(_SMOOTHED_BARS, max(len(live) // 4, 1))

    def line(axes, values, colour, name, *, width=1.2, dash="-"):
        masked = np.where(live, np.asarray(values, float), np.nan)
        mean = np.where(live, rolling_mean(masked, window_bars=smooth), np.nan)
        axes.plot(stream.dates, mean, color=colour, linewidth=width, linestyle=dash, label=name)

    line(parts, info.kappa_parts.state, BLUE, "state")
    line(parts, info.kappa_parts.model, GREEN, "model")
    line(parts, info.kappa_parts.forecast, ORANGE, "forecast")
    line(whole, info.kappa, SKY, "kappa: mean of the parts")
    line(whole, 1.0 - np.asarray(info.bcc), VERMILLION, "1 - BCC: miscalibrated coverage")
    line(whole, info.kappa_plus, PURPLE, "kappa_plus", width=1.8)
    label(parts, title=f"Uncertainty of state, model and forecast, mean of {smooth} bars", y="0 to 1")
    label(whole, title="Their mean, and what past coverage adds to it", y="0 to 1")
    for axes in (parts, whole):
        axes.set_ylim(0.0, 1.02)
        legend(axes)
    transition = np.asarray(info.in_transition, bool) & live
    if np.any(transition):
        low = np.where(transition, 0.0, np.nan)
        parts.plot(stream.dates, low + 0.012, "s", color=INK, markersize=2.2, label="in transition", clip_on=True)
        legend(parts)
    date_axis(whole, stream.dates)
    return figure
