"""The forecast study as one HTML page that needs nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from .image import Picture
from .study_page import DrawnFigure
from .template import template

_SIGNIFICANT = 0.05
_CAPTIONS = {
    "gains": "Losses of each rival less those of the student, added up: where a line rises, the student loses less.",
    "transforms": "Probability that each forecast gave to at most what came, in tenths. Flat if the laws are right, a "
    "hump if they are too wide, a valley if they are too narrow.",
}


class ScoreLine(NamedTuple):
    """A row of the table of scores: a forecaster and its cells."""

    name: str
    cells: list[str]


class DuelLine(NamedTuple):
    """A row of the table of differences."""

    rival: str
    score: str
    difference: str
    statistic: str
    p_value: str
    mark: str


def forecast_page(result: Mapping, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a forecast study.

    Args:
        result: content of `forecasts.json`.
        pictures: by name: gains, transforms.
    """
    names = list(next(iter(result["scores"].values()))["means"])
    return template("forecasts.html.j2").render(
        result=result,
        subtitle=f"{result['bars']:,} bars of {result['assets']} assets from {result['first']} to {result['last']}, "
        "forecast one bar ahead. No forecaster was fitted to them.",
        verdict=forecast_verdict(result["differences"]),
        score_names=[*names, "KS"],
        scores=[_scores(name, found, names) for name, found in result["scores"].items()],
        levels=[_levels(name, found) for name, found in result["scores"].items()],
        levels_asked=list(next(iter(result["scores"].values()))["levels"]),
        duels=[
            _duel(rival, score, found)
            for rival, all_of in result["differences"].items()
            for score, found in all_of.items()
        ],
        figures=[DrawnFigure(pictures[name], caption) for name, caption in _CAPTIONS.items() if name in pictures],
        provenance=result["provenance"],
    )


def forecast_verdict(differences: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Say which rivals the student beats, ties and loses to in CRPS and NLL, at the 5 % level."""
    told = []
    for score in ("CRPS", "NLL"):
        parts = {"better than": [], "not told apart from": [], "worse than": []}
        for rival, found in differences.items():
            if score in found:
                parts[_outcome(found[score])].append(rival)
        told.append(
            f"In {score} the student is " + "; ".join(f"{word} {', '.join(who)}" for word, who in parts.items() if who)
        )
    return ". ".join(told) + f". Two-sided tests at {_SIGNIFICANT:.0%}."


def _outcome(found: Mapping[str, float]) -> str:
    if found["p_value"] >= _SIGNIFICANT:
        return "not told apart from"
    return "better than" if found["statistic"] < 0.0 else "worse than"


def _scores(name: str, found: Mapping, names: list[str]) -> ScoreLine:
    cells = [_number(found["means"].get(score), score) for score in names]
    return ScoreLine(name, [*cells, f"{found['kolmogorov_smirnov']:.4f}"])


def _levels(name: str, found: Mapping) -> ScoreLine:
    return ScoreLine(name, [f"{100.0 * share:.2f}" for share in found["levels"].values()])


def _number(value: float | None, score: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if score == "NLL" else f"{1e4 * value:.3f}"


def _duel(rival: str, score: str, found: Mapping[str, float]) -> DuelLine:
    relative = f"{found['relative']:+.4f} nats" if score == "NLL" else f"{100.0 * found['relative']:+.2f} %"
    p_value = f"{found['p_value']:.4f}" if found["p_value"] >= 1e-4 else f"{found['p_value']:.0e}"
    mark = {"better than": "nearer", "worse than": "farther"}.get(_outcome(found), "")
    return DuelLine(rival, score, relative, f"{found['statistic']:+.2f}", p_value, mark)
