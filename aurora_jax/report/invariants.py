"""What synthetic and real markets share, and how surely."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ..core import Estimate, Invariants, Outcome
from .style import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILLION, canvas_side_by_side, label, note

NAMES = {
    "hurst": "Hurst exponent H",
    "tail_index": "Tail index ξ",
    "extremal_index": "Extremal index θ",
    "tail_dependence": "Tail dependence λ",
}
_COLOURS = (INK, BLUE, ORANGE, GREEN, PURPLE, VERMILLION)


class InvariantRow(NamedTuple):
    """One invariant as text: a cell per market."""

    name: str
    cells: tuple[str, ...]


def invariant_rows(invariants: Mapping[str, Invariants]) -> list[InvariantRow]:
    """Return the table's rows; an estimate that cannot be had says why."""
    return [
        InvariantRow(name, tuple(_cell(getattr(market, key)) for market in invariants.values()))
        for key, name in NAMES.items()
    ]


def _cell(estimate: Estimate) -> str:
    outcome = Outcome(int(estimate.outcome))
    if outcome is not Outcome.OK:
        return outcome.message
    return f"{float(estimate.value):.3f} ± {float(estimate.standard_error):.3f}"


def invariant_figure(invariants: Mapping[str, Invariants]) -> Figure:
    """Draw each estimate with two standard errors, one panel an invariant, one line a market."""
    markets = list(invariants)
    figure, panels = canvas_side_by_side([1.0] * len(NAMES), 0.32 * len(markets) + 0.3, gap=0.35, share_y=True)
    for axes, (key, name) in zip(panels, NAMES.items(), strict=True):
        for row, market in enumerate(markets):
            estimate: Estimate = getattr(invariants[market], key)
            if int(estimate.outcome) == int(Outcome.OK):
                axes.errorbar(
                    float(estimate.value),
                    row,
                    xerr=2.0 * float(estimate.standard_error),
                    fmt="o",
                    color=_COLOURS[row % len(_COLOURS)],
                    markersize=5,
                    linewidth=1.6,
                )
        if all(int(getattr(invariants[market], key).outcome) != int(Outcome.OK) for market in markets):
            note(axes, "cannot be had")
            axes.set_xticks([])
        axes.margins(x=0.15)
        axes.grid(False, axis="y")
        label(axes, title=name, y="")
    panels[0].set_yticks(range(len(markets)), markets)
    panels[0].tick_params(axis="y", labelcolor=INK)
    panels[0].set_ylim(len(markets) - 0.5, -0.5)
    return figure


def furthest_apart(invariants: Mapping[str, Invariants], reference: str) -> tuple[str, str, float] | None:
    """Return the market and invariant furthest from `reference`, in standard errors of the difference."""
    gaps = []
    for market, found in invariants.items():
        for key, name in NAMES.items():
            one, other = getattr(found, key), getattr(invariants[reference], key)
            error = float(np.hypot(float(one.standard_error), float(other.standard_error)))
            known = int(one.outcome) == int(other.outcome) == int(Outcome.OK)
            if market != reference and known and error > 0.0:
                gaps.append((market, name, abs(float(one.value) - float(other.value)) / error))
    return max(gaps, key=lambda gap: gap[2], default=None)
