"""The report as one HTML page that needs nothing else."""

from collections.abc import Sequence
from typing import NamedTuple

from .content import ReportContent, StreamReport
from .image import Picture
from .invariants import invariant_rows
from .plots import Plot
from .template import template


class Drawn(NamedTuple):
    """A plot and its picture."""

    plot: Plot
    picture: Picture


class Section(NamedTuple):
    """A stream and its pictures."""

    stream: StreamReport
    drawn: Sequence[Drawn]


def render(content: ReportContent, *, sections: Sequence[Section], models: Sequence[Drawn]) -> str:
    """Return the page: the same text for the same content, with every picture inside it."""
    return template("report.html.j2").render(
        content=content,
        sections=sections,
        models=models,
        invariant_rows=invariant_rows(content.invariants),
    )
