"""A scenario data set as one HTML page that needs nothing else."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..core import Trajectories
from ..scenarios import chunks, read_dataset
from .cell_figure import cell_figure
from .cell_sketch import CellSketch, sketch
from .image import Picture, picture
from .invariants import NAMES
from .template import template

_NAMES = {
    **NAMES,
    "jump_rate": "Jumps per bar",
    "jump_dispersion": "Dispersion of jump counts",
    "volatility_hurst": "H of volatility",
    "size_memory": "Memory of moves",
    "jump_impact": "Impact of jumps",
    "regime_contrast": "Contrast of regimes",
}
_VERDICTS = {True: "pass", False: "miss", None: ""}


class InvariantText(NamedTuple):
    """A row of a cell's table."""

    name: str
    asked: str
    measured: str
    standard_error: str
    verdict: str


class DrawnCell(NamedTuple):
    """A cell's part of the page."""

    name: str
    about: str
    caption: str
    picture: Picture
    rows: list[InvariantText]


def dataset_page(
    directory: Path | str, *, stamp: str, progress: Callable[[int, int, str], None] = lambda done, total, cell: None
) -> str:
    """Return the page of a data set: fans, tails, invariants asked and measured, and where it all came from.

    Cells are read chunk by chunk, so a data set larger than memory has a page too. Equal data give equal pages.

    Args:
        directory: the data set.
        stamp: digest of the data set's manifest, by which a reader knows of which data the page speaks.
        progress: called after each chunk with chunks done, chunks in all, and the cell.

    Raises:
        ScenarioError: if the data set, or a file of it, is missing or damaged.
    """
    dataset = read_dataset(directory)
    entries = dataset["cells"]
    total, done = sum(len(entry["chunks"]) for entry in entries.values()), 0

    def counted(cell: str) -> Iterator[Trajectories]:
        nonlocal done
        for chunk in chunks(directory, cell=cell):
            yield chunk
            done += 1
            progress(done, total, cell)

    # The baseline comes first, as the others are compared with it; of every other cell only its picture is kept.
    first = next((name for name in sorted(entries) if entries[name]["description"]["family"] == "baseline"), None)
    baseline: CellSketch | None = None
    drawn: list[DrawnCell] = []
    for name in sorted(entries, key=lambda name: (name != first, name.startswith("exam"), name)):
        found = sketch(counted(name), paths=entries[name]["paths"])
        drawn.append(_draw(name, entries[name], found, baseline))
        if name == first:
            baseline = found
    return template("dataset.html.j2").render(
        cells=drawn,
        misses=[f"{cell.name}: {row.name}" for cell in drawn for row in cell.rows if row.verdict == "miss"],
        passes=sum(row.verdict == "pass" for cell in drawn for row in cell.rows),
        paths=sum(entry["paths"] for entry in entries.values()),
        path_steps=sum(entry["paths"] * entry["steps"] for entry in entries.values()),
        size_mib=sum(entry["bytes"] for entry in entries.values()) / 2**20,
        provenance=_provenance(entries, stamp),
    )  # fmt: skip


def _draw(name: str, entry: Mapping, found: CellSketch, baseline: CellSketch | None) -> DrawnCell:
    image = picture(cell_figure(found, baseline=baseline), dots_per_inch=130)
    about = entry["description"]
    regimes = " ".join(about["regimes"])
    facts = f"{about['family']} · {regimes} · {entry['paths']:,} paths of {entry['steps']:,} bars · {entry['assets']} "
    shown = "" if len(found.fan) == found.paths else f" (of {len(found.fan):,} paths evenly chosen)"
    against = "a Gaussian of the same variance" + ("" if baseline is None else " and the baseline cell")
    return DrawnCell(
        name=name,
        about=facts + ("asset" if entry["assets"] == 1 else "assets"),
        caption=f"Left: quantiles over paths of the equal-weight basket{shown}. Right: losses of single assets, "
        f"against {against}; curves end where fewer than five losses are left.",
        picture=image,
        rows=[_row(key, report) for key, report in sorted(entry["invariants"].items(), key=_order)],
    )


def _order(item: tuple[str, Mapping]) -> int:
    return list(_NAMES).index(item[0]) if item[0] in _NAMES else len(_NAMES)


def _row(key: str, report: Mapping) -> InvariantText:
    asked = [] if report["asked"] is None else [f"{report['asked']:.3f}"]
    for sign, bound in zip(("≥", "≤"), report["bounds"] or (), strict=False):
        if bound is not None:
            asked.append(f"{sign} {bound:.3g}")
    return InvariantText(
        name=_NAMES.get(key, key),
        asked=", ".join(asked) or "–",
        measured="cannot be had" if report["measured"] is None else f"{report['measured']:.3f}",
        standard_error="–" if report["standard_error"] is None else f"{report['standard_error']:.4f}",
        verdict=_VERDICTS[report["passed"]],
    )


def _provenance(entries: Mapping[str, Mapping], stamp: str) -> dict[str, dict[str, str]]:
    def distinct(values: Iterator[object]) -> str:
        return ", ".join(sorted({str(value) for value in values if value is not None})) or "–"

    of_all = list(entries.values())
    return {
        "data set": {
            "seed": distinct(entry["seed"] for entry in of_all),
            "manifest SHA-256": stamp,
            "teacher": distinct(entry["teacher"] for entry in of_all),
            "levels": distinct(entry["measured_at"] for entry in of_all),
        },
        "versions": {
            name: distinct(entry["versions"].get(name) for entry in of_all) for name in sorted(of_all[0]["versions"])
        },
        "configuration digests": {name: entry["config_digest"] for name, entry in sorted(entries.items())},
    }
