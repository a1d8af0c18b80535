"""The transfer study as one HTML page that needs nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from .image import Picture
from .study_page import DrawnFigure
from .template import template

NOMINAL = 0.05
_CAPTIONS = {
    "graph": "A contagion cell's true graph, the one found at a false discovery rate of 5 %, and their difference.",
    "power": "Share of pairs that the gate calls READY, with two standard errors. Dotted: 80 %, which pairs of the "
    "same law should exceed, and 10 %, which others should not.",
}


class Table(NamedTuple):
    """A table of the page: what it is, its heads, its rows; the first cell of a row names it."""

    name: str
    title: str
    note: str
    heads: list[str]
    rows: list[list[str]]


def transfer_page(result: Mapping, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a transfer study.

    Args:
        result: content of `transfer.json`.
        pictures: by name: graph, power.
    """
    return template("transfer.html.j2").render(
        subtitle="Whether extremes of one series cause another's, and whether what was learnt on one market may be "
        "used on another.",
        verdict=transfer_reading(result),
        tables=transfer_tables(result),
        figures=[DrawnFigure(pictures[name], caption) for name, caption in _CAPTIONS.items() if name in pictures],
        provenance=result["provenance"],
    )


def transfer_tables(result: Mapping) -> list[Table]:
    """Return the tables of a study, as text."""
    return [
        Table(
            "null",
            "False edges",
            "Markets in which nobody causes anybody's extremes: every edge is a false one.",
            ["market", "share with a false edge", "edges per market", "single tests at 5 %"],
            [
                [
                    name,
                    _share(found["false_discovery_rate"], found["standard_error"]),
                    f"{found['edges_per_market']:.2f}",
                    f"{100.0 * found['rejected_at_5_percent']:.1f} %",
                ]
                for name, found in result["null"].items()
            ],
        ),
        Table(
            "recovery",
            "Known graphs",
            "Contagion cells of SEB+ along trees, a graph of its own in each.",
            ["cell", "F1", "precision", "recall"],
            [
                [name, f"{found['f1']:.2f} ± {found['standard_error']:.2f}"]
                + [f"{found[part]:.2f}" for part in ("precision", "recall")]
                for name, found in result["recovery"].items()
            ],
        ),
        Table(
            "power",
            "The gate's power",
            "Verdicts on pairs of simulated domains.",
            ["target", "bars", "READY", "NOT READY", "UNDECIDED"],
            [
                [target, f"{int(bars):,}", _share(found["ready"], found["standard_error"])]
                + [f"{100.0 * found[part]:.0f} %" for part in ("not_ready", "undecided")]
                for target, by_bars in result["power"].items()
                for bars, found in by_bars.items()
            ],
        ),
        Table(
            "pairs",
            "Real pairs",
            "Each number with its standard error.",
            ["pair", "verdict", "CTR", "DCTS", "d xi", "d H"],
            [
                [name, found["verdict"], *(_number(found[part]) for part in _PARTS)]
                for name, found in result["pairs"].items()
            ],
        ),
    ]


_PARTS = ("ctr", "dcts", "d_tail_index", "d_hurst")


def transfer_reading(result: Mapping) -> str:
    """Say what holds of the targets, whatever the numbers are."""
    told = []
    over = [
        name
        for name, found in result["null"].items()
        if found["false_discovery_rate"] - 2.0 * found["standard_error"] > NOMINAL
    ]
    told.append(
        f"False edges are found oftener than in {100.0 * NOMINAL:.0f} % of markets with: {'; '.join(over)}."
        if over
        else f"In no kind of market false edges are found oftener than in {100.0 * NOMINAL:.0f} % of them."
    )
    for target, by_bars in result["power"].items():
        bars = list(by_bars)[-1]
        told.append(f"{target}, {int(bars):,} bars: READY {100.0 * by_bars[bars]['ready']:.0f} %.")
    return " ".join(told)


def _share(share: float, error: float) -> str:
    return f"{100.0 * share:.0f} ± {100.0 * error:.0f} %"


def _number(found: Mapping) -> str:
    if found["value"] is None:
        return "none"
    return f"{found['value']:.3f} ± {found['standard_error']:.3f}"
