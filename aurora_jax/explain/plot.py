"""The figure of a what-if."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter, ScalarFormatter

_COLOURS = {"base": "#3b6ea5", "shocked": "#c1443c"}
_BANDS = ((0.01, 0.99, 0.12), (0.05, 0.95, 0.18), (0.25, 0.75, 0.28))


def plot_fans(
    quantiles: pd.DataFrame,
    losses: Mapping[str, tuple[Float[np.ndarray, " paths"], Float[np.ndarray, " paths"]]],
    risk: pd.DataFrame,
    *,
    title: str,
    tail_probability: float,
) -> Figure:
    """Draw the fans of both sides on one scale, and the distributions of the loss at the horizon.

    Args:
        quantiles: of cumulative returns by bar, as `WhatIf.quantiles`.
        losses: of each side, with the paths' shares.
        risk: as `WhatIf.expected_shortfall`.
        title: of the figure.
        tail_probability: of the shortfall.
    """
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    fan, tail = figure.subplots(1, 2, width_ratios=(3, 2))
    for name, colour in _COLOURS.items():
        table = quantiles[name]
        for low, high, opacity in _BANDS:
            fan.fill_between(table.index, 1.0 + table[low], 1.0 + table[high], color=colour, alpha=opacity, linewidth=0)
        fan.plot(table.index, 1.0 + table[0.50], color=colour, linewidth=1.6, label=f"{name}: median, 50, 90 and 98 %")
    fan.axhline(1.0, color="0.6", linewidth=0.7)
    # A halving and a doubling look alike, so that a wild shock leaves the base fan visible.
    fan.set(xlabel="bars from today", ylabel="portfolio value, today = 1", yscale="log", xlim=(0, quantiles.index[-1]))
    low, high = fan.get_ylim()
    fan.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 4.0 * low else MaxNLocator(6))
    fan.yaxis.set_major_formatter(ScalarFormatter())
    fan.yaxis.set_minor_locator(NullLocator())
    fan.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    fan.legend(frameon=False, loc="upper left", fontsize=9)
    edges = _edges(losses)
    for name, colour in _COLOURS.items():
        values, share = losses[name]
        tail.hist(values, bins=edges, weights=share, color=colour, alpha=0.35, histtype="stepfilled")
        shortfall = float(risk.loc[name, "expected_shortfall"])  # pyright: ignore[reportArgumentType]
        tail.axvline(shortfall, color=colour, linewidth=1.4, label=f"{name}: ES {shortfall:.1%}")
    tail.set(xlabel="loss at the horizon", ylabel="probability", yscale="log")
    tail.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    tail.legend(frameon=False, fontsize=9, title=f"worst {tail_probability:.3g}", title_fontsize=9)
    for axes in (fan, tail):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure


def _edges(losses) -> Float[np.ndarray, " edges"]:
    """Cover the losses, and as much of the gains: the rest of a long right tail would squeeze what matters."""
    pooled = np.concatenate([values for values, _ in losses.values()])
    high = max(float(np.quantile(pooled, 0.9995)), 1e-9)
    return np.linspace(max(float(np.min(pooled)), -high), high, 60)
