"""The walk-forward of portfolios as one HTML page that needs nothing else."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .image import Picture
from .study_page import DrawnFigure
from .template import template

_CAPTIONS = {
    "radius": "Realised daily ES 95 and Sharpe ratio over the radius. The band is one standard error of the reported "
    "period; dotted is the earlier one, which chose the radius.",
    "growth": "Growth of 1 and drawdown, net of costs, on a logarithmic scale. From the dashed line on the period is "
    "reported; the rule was chosen before it.",
    "frontier": "Of the last window, radii to 3 p ES(equal weight). Left: the least worst-case shortfall, concave in "
    "the radius, and the shortfall of its weights on the scenarios. Right: each asset's weight, on its way to 1/N.",
}
_COLUMNS = {
    "shortfall": ("ES 95 of a day, %", 100.0, 2),
    "sharpe": ("Sharpe", 1.0, 2),
    "volatility": ("Volatility a year, %", 100.0, 1),
    "drawdown": ("Largest drawdown, %", 100.0, 0),
    "turnover": ("Turnover a year", 1.0, 1),
}


class RuleLine(NamedTuple):
    """A row of the table of rules."""

    name: str
    cells: list[str]
    mark: str


class GapLine(NamedTuple):
    """A row of the table of differences."""

    rival: str
    shortfall: str
    sharpe: str


class BoundsPart(NamedTuple):
    """What is told of one pair of bounds."""

    name: str
    key: str
    verdict: str
    tables: dict[str, list[RuleLine]]
    gaps: list[GapLine]
    solver: str
    figures: list[DrawnFigure]


def allocation_page(result: Mapping, pictures: Mapping[str, Mapping[str, Picture]]) -> str:
    """Return the page of an allocation study.

    Args:
        result: content of `allocation.json`.
        pictures: by bounds and name: radius, growth, frontier.
    """
    return template("allocation.html.j2").render(
        result=result,
        subtitle=f"{result['assets']} stocks, {result['first']} to {result['last']}; reported from "
        f"{result['reported_from']} on, with the radius chosen before.",
        columns=allocation_columns(),
        parts=[_part(name, found, pictures.get(name, {})) for name, found in result["bounds"].items()],
        cost=f"{1e4 * result['cost_per_turnover']:g} hundredths of a per cent",
        provenance=result["provenance"],
    )


def allocation_verdict(found: Mapping) -> str:
    """Say what the radius chosen before did in the reported period, and what of it is more than noise."""
    chosen, told = found["chosen"]["shortfall"], found["periods"]["reported"]
    parts = {"less than": [], "not told apart from": [], "more than": []}
    for rival, gap in found["differences"].items():
        parts[_word(*gap["shortfall"])].append(f"{rival} ({_signed(gap['shortfall'], 100.0, 2)})")
    said = "; ".join(f"{word} {', '.join(names)}" for word, names in parts.items() if names)
    apart = [
        f"{rival} ({_signed(gap['sharpe'], 1.0, 2)})"
        for rival, gap in found["differences"].items()
        if abs(gap["sharpe"][0]) > 2.0 * gap["sharpe"][1]
    ]
    others = "Its Sharpe ratio differs from that of " + (", ".join(apart) or "none of them") + " by two standard errors"
    return (
        f"Chosen before by least ES: {chosen}. Its ES of {_figure(told[chosen]['shortfall'], 100.0, 2)} % a day is "
        f"{said}. {others}. In brackets: difference ± its standard error."
    )


def _word(difference: float, standard_error: float) -> str:
    if abs(difference) <= 2.0 * standard_error:
        return "not told apart from"
    return "less than" if difference < 0.0 else "more than"


def _part(name: str, found: Mapping, pictures: Mapping[str, Picture]) -> BoundsPart:
    chosen, solver = found["chosen"]["shortfall"], found["solver"]
    return BoundsPart(
        name=f"Weights from {found['lower']:g} to {found['upper']:g}",
        key=name.replace(" ", "-"),
        verdict=allocation_verdict(found),
        tables={
            period: [
                RuleLine(rule, allocation_cells(told), "own" if rule == chosen else "") for rule, told in rules.items()
            ]
            for period, rules in found["periods"].items()
        },
        gaps=[
            GapLine(rival, _signed(gap["shortfall"], 100.0, 2), _signed(gap["sharpe"], 1.0, 2))
            for rival, gap in found["differences"].items()
        ],
        solver=f"{solver['solved']:,} of {solver['asked']:,} robust programs solved, {solver['repaired']} of them by "
        f"the fallback; largest duality gap {solver['largest_gap']:.1e}.",
        figures=[DrawnFigure(pictures[figure], caption) for figure, caption in _CAPTIONS.items() if figure in pictures],
    )


def _rule(name: str, told: Mapping[str, Sequence[float]], chosen: str) -> RuleLine:
    return RuleLine(name, allocation_cells(told), "own" if name == chosen else "")


def allocation_cells(told: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a rule's row, e.g. ["1.93 ± 0.20", ...], in the order of the table's columns."""
    return [_figure(told[name], unit, digits) for name, (_, unit, digits) in _COLUMNS.items()]


def allocation_columns() -> list[str]:
    """Return the titles of the columns that `allocation_cells` fills."""
    return [title for title, _, _ in _COLUMNS.values()]


def _figure(told: Sequence[float], unit: float, digits: int) -> str:
    return f"{unit * told[0]:.{digits}f} ± {unit * told[1]:.{digits}f}"


def _signed(told: Sequence[float], unit: float, digits: int) -> str:
    return f"{unit * told[0]:+.{digits}f} ± {unit * told[1]:.{digits}f}"
