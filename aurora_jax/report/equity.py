"""The account against its benchmark."""

import numpy as np
from matplotlib.figure import Figure

from ..backtest import drawdowns, equity_curve
from .content import StreamReport
from .decisions import draw_strip
from .style import BLUE, MUTED, canvas, date_axis, label, legend, percent, percent_axis, plain_log_axis


def equity_figure(stream: StreamReport) -> Figure:
    """Draw growth of 1 and drawdown after costs, over the strip of decisions."""
    figure, (growth, falls, strip) = canvas([2.5, 1.5, 0.14])
    lines = (
        (stream.benchmark_name, np.asarray(stream.benchmark), MUTED, 1.1),
        ("AURORA", np.asarray(stream.rows.net_return), BLUE, 1.5),
    )
    for name, net_returns, colour, width in lines:
        equity, depth = equity_curve(net_returns), -drawdowns(net_returns)
        # An account at 0 has no place on a logarithmic axis.
        growth.plot(
            stream.dates,
            np.where(equity > 0.0, equity, np.nan),
            color=colour,
            linewidth=width,
            label=f"{name}: {equity[-1]:.2f}",
        )
        falls.plot(
            stream.dates,
            depth,
            color=colour,
            linewidth=0.6 * width,
            label=f"{name}: worst {percent(float(depth.min()), digits=3)}",
        )
        falls.fill_between(stream.dates, depth, 0.0, color=colour, alpha=0.22, linewidth=0)
    plain_log_axis(growth)
    label(growth, title="Growth of 1, net of costs", y="equity, log scale")
    label(falls, title="Drawdown", y="below the peak")
    percent_axis(falls.yaxis)
    falls.set_ylim(top=0.0)
    for axes in (growth, falls):
        legend(axes)
    draw_strip(strip, stream)
    date_axis(strip, stream.dates)
    return figure
