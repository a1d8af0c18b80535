"""Figures of the held-out study: quantiles, dependence, memory and invariants of models beside the market's."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION, canvas_side_by_side, label

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY)
_LEVELS = np.concatenate(
    [np.geomspace(5e-4, 0.05, 30), np.linspace(0.06, 0.94, 45), 1.0 - np.geomspace(0.05, 5e-4, 30)]
)
_LAGS = 40

# Of windows and of a model's paths there are different numbers, of different models others still.
Paths = Float[np.ndarray, "_ _ assets"]


def quantile_figure(real: Paths, simulated: Mapping[str, Paths]) -> Figure:
    """Draw QQ plots of the basket's return, of the worst asset of a bar, and of the spread between assets.

    The basket is a margin; the worst asset and the spread are what dependence makes of the margins. One asset has
    neither.
    """
    views = {
        "Basket": lambda paths: paths.mean(axis=2),
        "Worst asset of a bar": lambda paths: paths.min(axis=2),
        "Spread between assets": lambda paths: paths.std(axis=2),
    }
    if real.shape[2] == 1:
        views = {"Return": views["Basket"]}
    figure, panels = canvas_side_by_side([1.0] * len(views), 2.9, gap=0.75)
    for axes, (title, look) in zip(panels, views.items(), strict=True):
        truth = 100.0 * np.quantile(look(real), _LEVELS)
        for (name, paths), colour in zip(simulated.items(), _COLOURS, strict=False):
            axes.plot(
                truth,
                100.0 * np.quantile(look(paths), _LEVELS),
                ".-",
                color=colour,
                markersize=2.5,
                linewidth=0.8,
                label=name,
            )
        axes.plot([truth[0], truth[-1]], [truth[0], truth[-1]], color=INK, linewidth=0.8, linestyle="--")
        reach = 1.6 * np.max(np.abs(truth))
        axes.set_ylim(-reach if truth[0] < 0 else 0.0, reach)
        label(axes, title=title, y="model, %", x="held-out market, %")
    panels[0].legend(frameon=False, fontsize=7.5, loc="upper left")
    return figure


def memory_figure(real: Paths, simulated: Mapping[str, Paths]) -> Figure:
    """Draw the autocorrelation of the basket's squared returns, and how often two assets fall together by the level."""
    several = real.shape[2] > 1
    figure, (memory, *rest) = canvas_side_by_side([1.0, 1.0] if several else [1.0], 2.9)
    lags = np.arange(1, _LAGS + 1)
    levels = 1.0 - np.geomspace(0.2, 0.005, 20)
    everything = {"held-out market": real, **simulated}
    for (name, paths), colour in zip(everything.items(), (INK, *_COLOURS), strict=False):
        width = 1.8 if name == "held-out market" else 1.1
        memory.plot(lags, _square_autocorrelation(paths.mean(axis=2)), color=colour, linewidth=width, label=name)
        for together in rest:
            together.plot(1.0 - levels, _joint_share(paths, levels), color=colour, linewidth=width, label=name)
    memory.axhline(0.0, color=MUTED, linewidth=0.7)
    label(memory, title="Autocorrelation of squared basket returns", y="", x="lag, bars")
    memory.legend(frameon=False, fontsize=7.5)
    for together in rest:
        together.set_xscale("log")
        together.invert_xaxis()
        label(together, title="P(other asset below its level | one is)", y="", x="share of bars beyond the level")
    return figure


def invariants_figure(rows: Sequence[tuple[str, str, float, float]]) -> Figure:
    """Draw each invariant of each market with two standard errors; the market itself as a band.

    Args:
        rows: market ("real" for the market), invariant, value, standard error.
    """
    names = list(dict.fromkeys(name for _, name, _, _ in rows))
    markets = [market for market in dict.fromkeys(market for market, *_ in rows) if market != "real"]
    figure, panels = canvas_side_by_side([1.0] * len(names), 0.35 + 0.3 * len(markets), left=1.5, gap=0.35)
    for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
        found = {market: (value, error) for market, invariant, value, error in rows if invariant == name}
        value, error = found["real"]
        axes.axvspan(value - 2.0 * error, value + 2.0 * error, color=MUTED, alpha=0.25, linewidth=0)
        axes.axvline(value, color=INK, linewidth=1.0)
        for place, (market, colour) in enumerate(zip(markets, _COLOURS, strict=False)):
            if market in found:
                axes.errorbar(found[market][0], place, xerr=2.0 * found[market][1], fmt="o", color=colour, markersize=4)
        axes.set_yticks(range(len(markets)), markets if number == 0 else [""] * len(markets))
        axes.set_ylim(len(markets) - 0.5, -0.5)
        axes.margins(x=0.15)
        label(axes, title=name.replace("_", " "), y="")
    return figure


def distances_figure(distances: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw each model's distance on path space with two standard errors."""
    figure, (axes,) = canvas_side_by_side([1.0], 0.4 + 0.3 * len(distances), left=1.5)
    for place, ((_, (value, error)), colour) in enumerate(zip(distances.items(), _COLOURS, strict=False)):
        axes.errorbar(value, place, xerr=2.0 * error, fmt="o", color=colour, markersize=5)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(distances)), list(distances))
    axes.set_ylim(len(distances) - 0.5, -0.5)
    axes.margins(x=0.1)
    label(axes, title="Signature distance from held-out windows (MMD², two standard errors)", y="")
    return figure


def _square_autocorrelation(basket: Float[np.ndarray, "paths bars"]) -> Float[np.ndarray, " lags"]:
    """Pool windows: covariances about the common mean square, so that short windows lose no slow memory."""
    square = np.minimum(basket**2, np.quantile(basket**2, 0.999))  # one crash would be the whole correlation
    centred = square - square.mean()
    return np.asarray(
        [np.mean(centred[:, lag:] * centred[:, :-lag]) / np.mean(centred**2) for lag in range(1, _LAGS + 1)]
    )


def _joint_share(paths: Paths, levels: Float[np.ndarray, " levels"]) -> Float[np.ndarray, " levels"]:
    flat = paths.reshape(-1, paths.shape[2])
    assets = flat.shape[1]
    shares = []
    for level in levels:
        below = flat < np.quantile(flat, 1.0 - level, axis=0)
        joint = below.astype(float).T @ below / below.shape[0]
        # By the share that is below, not the one asked for: of few bars it is another.
        shares.append((joint.sum() - np.trace(joint)) / (assets - 1) / np.trace(joint))
    return np.asarray(shares)
