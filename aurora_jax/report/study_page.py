"""A held-out study as one HTML page that needs nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from .image import Picture
from .invariants import NAMES
from .template import template

_CAPTIONS = {
    "distances": "Signature distance of each model's windows from the held-out ones, with two standard errors.",
    "invariants": "Invariants with two standard errors; the band is the held-out market.",
    "quantiles": "Quantiles of each model against those of the held-out market: of the basket (a margin), of the worst "
    "asset of a bar and of the spread between assets (what dependence makes of the margins).",
    "memory": "Left: autocorrelation of squared basket returns. Right: how often a second asset is beyond its level "
    "when one is.",
}


class DistanceText(NamedTuple):
    """A row of the table of distances."""

    name: str
    value: str
    standard_error: str
    p_value: str
    difference: str
    z: str
    mark: str


class Cell(NamedTuple):
    """A cell of the table of invariants."""

    text: str
    mark: str


class InvariantLine(NamedTuple):
    """A row of the table of invariants."""

    market: str
    cells: list[Cell]


class DrawnFigure(NamedTuple):
    """A figure and what it shows."""

    picture: Picture
    caption: str


def study_page(result: Mapping, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a study.

    Args:
        result: content of `study.json`.
        pictures: by name: distances, invariants, quantiles, memory.
    """
    distances = [_distance(name, found, result["differences"]) for name, found in result["distances"].items()]
    names = list(dict.fromkeys(row["name"] for row in result["invariants"]))
    markets = list(dict.fromkeys(row["market"] for row in result["invariants"]))
    found = {(row["market"], row["name"]): row for row in result["invariants"]}
    return template("study.html.j2").render(
        result=result,
        subtitle=f"{result['windows']} windows of {result['window_bars']} bars from {result['held_out_from']} on, "
        f"{result['copies']} simulated twins of each. No model has seen them.",
        verdict=verdict(result["differences"]),
        distances=distances,
        invariant_names=[NAMES.get(name, name) for name in names],
        invariants=[
            InvariantLine("held-out market" if m == "real" else m, [_cell(found.get((m, n))) for n in names])
            for m in markets
        ],
        figures=[DrawnFigure(pictures[name], caption) for name, caption in _CAPTIONS.items() if name in pictures],
        provenance=result["provenance"],
    )


def verdict(differences: Mapping[str, Mapping[str, float]]) -> str:
    """Say of which models the teacher is nearer to the market, not told apart, or farther, at two standard errors."""
    parts = {"is nearer to the market than": [], "is not told apart from": [], "is farther from the market than": []}
    for pair, gap in differences.items():
        z = _z(gap)
        place = 0 if z < -2.0 else 2 if z > 2.0 else 1
        parts[list(parts)[place]].append(f"{pair.removeprefix('teacher less ')} ({z:+.1f})")
    said = [f"{verb} {', '.join(names)}" for verb, names in parts.items() if names]
    return f"The teacher {'; it '.join(said)}. In brackets: the difference in its own standard errors."


def _distance(name: str, found: Mapping, differences: Mapping) -> DistanceText:
    gap = differences.get(f"teacher less {name}")
    z = None if gap is None else _z(gap)
    return DistanceText(
        name,
        f"{found['value']:.4f}",
        f"{found['standard_error']:.4f}",
        f"{found['p_value']:.3f}",
        "" if gap is None else f"{gap['difference']:+.4f} ± {gap['standard_error']:.4f}",
        "" if z is None else f"{z:+.1f}",
        "" if z is None or abs(z) <= 2.0 else "nearer" if z < 0.0 else "farther",
    )


def _z(gap: Mapping[str, float]) -> float:
    """Return a difference in its standard errors; of a model and itself there is none, and no error of it."""
    return gap["difference"] / gap["standard_error"] if gap["standard_error"] > 0.0 else 0.0


def _cell(row: Mapping | None) -> Cell:
    if row is None:
        return Cell("–", "")
    text = f"{row['value']:.3f} ± {row['standard_error']:.3f}"
    if row["market"] == "real":
        return Cell(text, "real")
    return Cell(f"{text} ({row['z']:+.1f})", "nearer" if abs(row["z"]) <= 2.0 else "farther")
