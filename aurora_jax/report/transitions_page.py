"""The transition study as one HTML page that needs nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from .image import Picture
from .study_page import DrawnFigure
from .template import template

OURS = "crossbar, as served"
RIVALS = ("BOCPD", "HMM, 4 states")
_CAPTION = (
    "Median delay over the rate of false alarms on series whose law never changes, on a logarithmic scale. Lower is "
    "better; a line ends where fewer than half of the changes are found."
)


class DelayLine(NamedTuple):
    """A row of the table of delays."""

    change: str
    detector: str
    cells: list[str]
    mark: str


def transitions_page(result: Mapping, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a transition study.

    Args:
        result: content of `transitions.json`.
        pictures: by name: delays.
    """
    sizes = result["sizes"]
    return template("transitions.html.j2").render(
        result=result,
        subtitle=f"{sizes['flips']:,} changes of each kind; false alarms on {sizes['stationary']:,} series of "
        f"{sizes['bars']:,} bars. Settings were chosen on other series.",
        verdict=transitions_verdict(result),
        rates=[f"1 in {1.0 / float(rate):,.0f}" for rate in result["rates"]],
        lines=[
            DelayLine(
                change,
                detector,
                [_cell(told["delays"][rate]) for rate in result["rates"]],
                "own" if detector == OURS else "",
            )
            for change, found in result["scenarios"].items()
            for detector, told in found["detectors"].items()
        ],
        configured={change: _configured(found["configured"]) for change, found in result["scenarios"].items()},
        figures=[DrawnFigure(pictures["delays"], _CAPTION)] if "delays" in pictures else [],
        provenance=result["provenance"],
    )


def transitions_verdict(result: Mapping) -> str:
    """Say of each change whether the engine's index is as soon as the better rival, at the first rate."""
    rate = result["rates"][0]
    told = []
    for change, found in result["scenarios"].items():
        medians = {name: found["detectors"][name]["delays"][rate]["median_bars"] for name in (OURS, *RIVALS)}
        rival = min(RIVALS, key=lambda name: _sort(medians[name]))
        word = "no later than" if _sort(medians[OURS]) <= _sort(medians[rival]) else "later than"
        told.append(f"{change}: {_bars(medians[OURS])}, {word} {rival} ({_bars(medians[rival])})")
    return f"Median delay in bars at {1000.0 * float(rate):g} false alarm in 1,000 bars. " + "; ".join(told) + "."


def _sort(median: float | None) -> float:
    return float("inf") if median is None else median


def _bars(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f}"


def _cell(delay: Mapping) -> str:
    median, low, high = (_bars(delay[f"{name}_bars"]) for name in ("median", "low", "high"))
    return f"{median} ({low} to {high}); {100.0 * delay['found_share']:.0f} %"


def _configured(found: Mapping) -> str:
    return (
        f"{1000.0 * found['rate']:.2f} false alarms in 1,000 bars, median delay {_bars(found['median_bars'])}, "
        f"{100.0 * found['found_share']:.0f} % found"
    )
