"""The figure of the transition study: delay against false alarms."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from .style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, canvas_side_by_side, label

_COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE)


def delays_figure(curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]]) -> Figure:
    """Draw the median delay over the rate of false alarms: lower is better, and a line that ends finds too few.

    Args:
        curves: by change and detector, pairs of false alarms per bar and median delay in bars.
    """
    figure, panels = canvas_side_by_side([1.0] * len(curves), 2.6, left=0.6, gap=0.3, below=0.3, share_y=True)
    for axes, (change, detectors) in zip(panels, curves.items(), strict=True):
        for (detector, points), colour in zip(detectors.items(), _COLOURS, strict=False):
            rates, delays = [1000.0 * point[0] for point in points], [point[1] for point in points]
            axes.plot(rates, delays, color=colour, linewidth=1.4, label=detector)
        axes.set_xscale("log")
        axes.set_xlim(0.2, 10.0)
        axes.set_xticks([0.5, 1.0, 5.0], ["0.5", "1", "5"])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0.0, 260.0)
        delay = "median delay, bars" if axes is panels[0] else ""
        label(axes, title=change.replace(", ", ",\n"), y=delay, x="false alarms in 1,000 bars")
    # Under all panels: inside one it would cover lines.
    handles = panels[0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize="small")
    return figure
