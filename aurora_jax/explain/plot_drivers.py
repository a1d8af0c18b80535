"""The figure of what drives a number."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_RAISES, _LOWERS, _REST = "#c1443c", "#3b6ea5", "#9aa5b1"


def driver_names(drivers: Sequence[str], assets: Sequence[str]) -> list[str]:
    """Return e.g. "kurtosis, JPM"; of one asset alone its name says nothing."""
    if len(set(assets)) == 1:
        return list(drivers)
    return [f"{driver}, {asset}" for driver, asset in zip(drivers, assets, strict=True)]


def plot_bars(
    names: Sequence[str], contributions: Float[np.ndarray, " drivers"], *, most: int, title: str, unit: str
) -> Figure:
    """Draw contributions as bars from 0, largest above; those past the first `most` are summed into one.

    Args:
        names: of the drivers, in the order of the contributions.
        contributions: largest first by absolute value.
        most: bars that are drawn singly.
        title: of the figure.
        unit: of the contributions.
    """
    shown, sizes = list(names[:most]), list(contributions[:most])
    colours = [_RAISES if size > 0.0 else _LOWERS for size in sizes]
    if len(names) > most:
        shown.append(f"{len(names) - most} others")
        sizes.append(float(np.sum(contributions[most:])))
        colours.append(_REST)
    figure = Figure(figsize=(8.0, 1.0 + 0.32 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shown)), sizes, color=colours, height=0.7)
    axes.set_yticks(range(len(shown)), shown, fontsize=9)
    axes.invert_yaxis()
    axes.axvline(0.0, color="0.6", linewidth=0.7)
    axes.set_xlabel(unit, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure
