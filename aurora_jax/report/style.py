"""How every figure looks: one palette, one canvas, one way to label."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateFormatter, AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from ..governance import Decision

# Okabe and Ito (2008): distinct under every common colour blindness.
BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
INK, MUTED, GRID, PALE, PAPER = "#1f2933", "#66717d", "#e4e8ec", "#c9d1d9", "#ffffff"

DECISION_COLOURS = {Decision.PASS: "#7fcdb4", Decision.DERISK: ORANGE, Decision.BLOCK: "#b2410a"}
WARMING_UP_COLOUR = PALE

WIDTH_INCHES = 10.0  # shown at most 1000 pixels wide, so that a point of text is 1.4 pixels
_LABEL_POINTS, _TITLE_POINTS = 9.0, 9.5
_LEFT_INCHES, _TITLE_INCHES, _DATES_INCHES = 0.85, 0.36, 0.3
_LEGEND_INCHES = 0.068


def canvas(heights: Sequence[float], *, left: float = _LEFT_INCHES, right: float = 0.12) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel under the other, all over the same times.

    Margins are given, not negotiated: figures line up with each other on the page, and drawing takes half the time.

    Args:
        heights: of the panels, inches.
        left: room for labels, inches.
        right: likewise.
    """
    height = sum(heights) + _TITLE_INCHES * len(heights) + _DATES_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height), facecolor=PAPER)
    panels: list[Axes] = []
    top = height
    for size in heights:
        top -= _TITLE_INCHES + size
        box = (left, top, WIDTH_INCHES - left - right, size)
        shared = {"sharex": panels[0]} if panels else {}
        panels.append(_panel(figure, box, height, **shared))
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    return figure, panels


def canvas_side_by_side(
    widths: Sequence[float],
    height: float,
    *,
    left: float = _LEFT_INCHES,
    gap: float = 0.8,
    below: float = 0.0,
    share_y: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel beside the other.

    Args:
        widths: of the panels, relative to each other.
        height: of the panels, inches.
        left: room for labels, inches.
        gap: between panels, inches.
        below: room under the panels' labels, inches.
        share_y: panels show the same values.
    """
    bottom = _DATES_INCHES + 0.2 + below
    whole = height + _TITLE_INCHES + bottom
    figure = Figure(figsize=(WIDTH_INCHES, whole), facecolor=PAPER)
    unit = (WIDTH_INCHES - left - 0.15 - gap * (len(widths) - 1)) / sum(widths)
    panels: list[Axes] = []
    start = left
    for width in widths:
        box = (start, bottom, width * unit, height)
        shared = {"sharey": panels[0]} if share_y and panels else {}
        panels.append(_panel(figure, box, whole, **shared))
        start += width * unit + gap
    if share_y:
        for axes in panels[1:]:
            axes.tick_params(labelleft=False)
    return figure, panels


def _panel(figure: Figure, box: tuple[float, float, float, float], height: float, **shared: Axes) -> Axes:
    left, bottom, width, tall = box
    share = (left / WIDTH_INCHES, bottom / height, width / WIDTH_INCHES, tall / height)
    axes = figure.add_axes(share, **shared)  # pyright: ignore[reportCallIssue, reportArgumentType]
    dress(axes)
    return axes


def dress(axes: Axes) -> None:
    """Keep two light spines, a light grid behind the data, and small text."""
    axes.set_facecolor(PAPER)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.grid(True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=_LABEL_POINTS, length=0, pad=4)
    axes.margins(x=0.0)


def label(axes: Axes, *, title: str, y: str, x: str = "") -> None:
    """Name the panel and its axes, with units."""
    axes.set_title(title, loc="left", fontsize=_TITLE_POINTS, fontweight="bold", color=INK, pad=6)
    axes.set_ylabel(y, fontsize=_LABEL_POINTS, color=MUTED, labelpad=6)
    if x:
        axes.set_xlabel(x, fontsize=_LABEL_POINTS, color=MUTED)


def legend(axes: Axes, *, columns: int = 6, handles: Sequence | None = None) -> None:
    """Put the legend on the title's line, at the right, so that it never covers data."""
    found = list(handles) if handles is not None else axes.get_legend_handles_labels()[0]
    figure = axes.get_figure(root=True)
    assert figure is not None
    lifted = axes.transAxes + ScaledTranslation(0.0, _LEGEND_INCHES, figure.dpi_scale_trans)
    axes.legend(
        handles=found,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=lifted,
        ncols=columns,
        frameon=False,
        fontsize=_LABEL_POINTS - 0.5,
        labelcolor=INK,
        handlelength=1.4,
        handleheight=0.8,
        columnspacing=1.2,
        handletextpad=0.5,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def note(axes: Axes, text: str) -> None:
    """Say in the middle of an empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=_LABEL_POINTS, color=MUTED)


def date_axis(axes: Axes, dates: np.ndarray) -> None:
    """Show dates on x, over exactly the bars there are."""
    locator = AutoDateLocator(minticks=4, maxticks=9)  # with 8, no step fits just under four years
    formatter = AutoDateFormatter(locator)
    # A locator counts months as 30 days, however many are between two ticks.
    formatter.scaled = {365.0: "%Y", 30.0: "%b %Y", 1.0: "%d %b %Y", 1.0 / 1440.0: "%d %b, %H:%M"}
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlim(dates[0], dates[-1])


def percent(share: float, *, digits: int = 4) -> str:
    """Write a share as per cent, with a true minus."""
    return f"{100.0 * share:.{digits}g}%".replace("-", "−")


def percent_axis(axis: Axis) -> None:
    """Show shares as per cent; `axis` is `axes.xaxis` or `axes.yaxis`."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))


def plain_log_axis(axes: Axes) -> None:
    """Scale y by logarithms, with ticks at round numbers that are written out."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    # Within one decade powers of ten alone would leave the axis almost without a number.
    narrow = high / low < 8.0
    axes.yaxis.set_major_locator(
        MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]) if narrow else LogLocator(subs=(1.0, 2.0, 5.0), numticks=12)
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.yaxis.set_minor_locator(NullLocator())
