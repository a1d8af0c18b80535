"""What was held."""

import numpy as np
from matplotlib import colormaps
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from .content import StreamReport
from .style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    canvas,
    date_axis,
    label,
    legend,
    percent_axis,
)

_STACKED_ASSETS_MAX = 6
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)


def weight_figure(stream: StreamReport) -> Figure:
    """Draw positions over time: stacked for a few long-only assets, a heat map for many; total exposure beside."""
    positions = np.asarray(stream.rows.positions, float)
    few = positions.shape[1] <= _STACKED_ASSETS_MAX and np.all(positions >= 0.0)
    height = 2.4 if few else max(2.0, 0.16 * positions.shape[1])
    if positions.shape[1] == 1:
        figure, (exposure,) = canvas([1.8])
        _draw_exposure(exposure, stream, positions, title=f"Position in {stream.assets[0]}: the rest is cash")
        return figure
    figure, (held, exposure) = canvas([height, 1.0], right=0.12 if few else 0.95)
    if few:
        held.stackplot(
            stream.dates, positions.T, labels=stream.assets, colors=_COLOURS, alpha=0.8, linewidth=0, step="post"
        )
        held.set_ylim(0.0, max(1.0, float(positions.sum(axis=1).max())))
        percent_axis(held.yaxis)
        legend(held)
        label(held, title="Positions", y="share of equity")
    else:
        _draw_heat_map(figure, held, stream, positions)
    _draw_exposure(exposure, stream, positions, title="Exposure: the rest is cash")
    return figure


def _draw_exposure(axes, stream: StreamReport, positions, *, title: str):
    total = np.sum(np.abs(positions), axis=1)
    axes.fill_between(stream.dates, total, color=BLUE, alpha=0.3, linewidth=0, step="post")
    axes.plot(stream.dates, total, color=BLUE, linewidth=1.0, drawstyle="steps-post")
    axes.set_ylim(0.0, max(1.05, float(total.max()) * 1.05))
    percent_axis(axes.yaxis)
    label(axes, title=title, y="share of equity")
    date_axis(axes, stream.dates)


def _draw_heat_map(figure, axes, stream: StreamReport, positions):
    order = np.argsort(-np.mean(positions, axis=0), kind="stable")
    short = bool(np.any(positions < 0.0))
    largest = max(float(np.abs(positions).max()), 1e-9)
    edges = np.append(date2num(stream.dates), date2num(stream.dates[-1]))
    mesh = axes.pcolormesh(
        edges,
        np.arange(positions.shape[1] + 1) - 0.5,
        positions[:, order].T,
        cmap=colormaps["PuOr_r" if short else "Blues"],
        vmin=-largest if short else 0.0,
        vmax=largest,
        rasterized=True,
    )
    axes.set_yticks(range(positions.shape[1]), [stream.assets[i] for i in order])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=8)
    axes.invert_yaxis()
    axes.grid(False)
    box = axes.get_position()
    bar = figure.colorbar(mesh, cax=figure.add_axes((box.x1 + 0.012, box.y0, 0.012, box.height)))
    bar.outline.set_edgecolor(PALE)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(labelsize=8.5, length=0, colors=INK)
    percent_axis(bar.ax.yaxis)
    label(axes, title="Positions, share of equity, largest mean first", y="")
