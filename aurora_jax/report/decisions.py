"""What was decided, on what score, and which guards were up."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..governance import Decision, Guard
from .content import StreamReport
from .settled import is_live
from .style import (
    BLUE,
    DECISION_COLOURS,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    WARMING_UP_COLOUR,
    canvas,
    date_axis,
    label,
    legend,
)


def decision_figure(stream: StreamReport) -> Figure:
    """Draw the score and kappa_plus over a strip of decisions, and the guards that were raised."""
    info, dates, live = stream.rows.info, stream.dates, is_live(stream.rows)
    soft, hard = (np.asarray(flags, bool) & live[:, None] for flags in (info.soft, info.hard))
    raised = [guard for guard in Guard if np.any(soft[:, guard] | hard[:, guard])]
    figure, panels = canvas([2.3, 0.3] + ([0.17 * len(raised) + 0.1] if raised else []), left=1.15)
    score, strip = panels[:2]

    score.plot(dates, np.where(live, info.score, np.nan), color=BLUE, linewidth=1.0, label="acceptance score")
    score.plot(dates, np.where(live, info.kappa_plus, np.nan), color=PURPLE, linewidth=1.0, label="kappa_plus")
    for (name, level), dash in zip(stream.thresholds.items(), _DASHES * len(stream.thresholds), strict=False):
        score.axhline(float(level), color=MUTED, linewidth=1.0, linestyle=dash, label=name)
    label(score, title="Acceptance score and meta-uncertainty", y="0 to 1")
    legend(score)

    draw_strip(strip, stream)

    if raised:
        _draw_guards(panels[2], dates, soft[:, raised], hard[:, raised], raised)
    date_axis(panels[-1], dates)
    return figure


_DASHES = [(0, (6, 2)), (0, (2, 2)), (0, (6, 2, 1, 2)), (0, (1, 2))]


def share(stream: StreamReport, decision: Decision) -> float:
    """Return the share of live bars with `decision`; 0 if there are none."""
    live = is_live(stream.rows)
    return float(np.mean(np.asarray(stream.rows.info.decision)[live] == int(decision))) if np.any(live) else 0.0


def draw_strip(axes, stream: StreamReport) -> None:
    """Colour each bar by its decision, up to the next bar, with the decisions' shares of live bars in the legend."""
    live = is_live(stream.rows)
    decision = np.where(live, np.asarray(stream.rows.info.decision), -1)
    for code, colour in [(-1, WARMING_UP_COLOUR), *((int(d), c) for d, c in DECISION_COLOURS.items())]:
        for start, stop in runs(decision == code):
            axes.axvspan(stream.dates[start], stream.dates[min(stop, len(decision) - 1)], color=colour, linewidth=0)
    axes.set_yticks([])
    axes.set_ylim(0.0, 1.0)
    axes.grid(False)
    label(axes, title="Decision", y="")
    shown = [Patch(color=DECISION_COLOURS[d], label=f"{d.name} {share(stream, d):.0%}") for d in Decision]
    if not np.all(live):
        shown.append(Patch(color=WARMING_UP_COLOUR, label="warming up, or bar refused"))
    legend(axes, handles=shown)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return the (start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _draw_guards(axes, dates, soft, hard, raised):
    for row in range(len(raised)):
        for flags, colour in ((soft[:, row], ORANGE), (hard[:, row], DECISION_COLOURS[Decision.BLOCK])):
            spans = [(dates[start], dates[min(stop, len(dates) - 1)] - dates[start]) for start, stop in runs(flags)]
            axes.broken_barh(spans, (row - 0.38, 0.76), color=colour, linewidth=0.4)
    axes.set_yticks(range(len(raised)), [guard.name.lower().replace("_", " ") for guard in raised])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(len(raised) - 0.5, -0.5)
    axes.grid(False, axis="y")
    label(axes, title="Guards raised", y="")
    legend(
        axes, handles=[Patch(color=ORANGE, label="soft"), Patch(color=DECISION_COLOURS[Decision.BLOCK], label="hard")]
    )
