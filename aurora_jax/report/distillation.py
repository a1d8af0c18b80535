"""Figure of the distillation's study: what each part of it is worth."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, MUTED, ORANGE, canvas_side_by_side, label

_PANELS = (
    ("bound", "Evidence bound, test years", "nats per return, more is better"),
    ("signature_distance", "Signature MMD² to the teacher", "two standard errors, less is better"),
    ("exceedances", "KS of losses beyond the 95 % loss", "less is better"),
)


def distillation_figure(rows: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """Draw each student's evidence, distance of paths and distance of tails, one under the other by name.

    Args:
        rows: by student, measures of its last and of its kept weights by name.
    """
    names = list(rows)
    places = np.arange(len(names))[::-1]
    figure, panels = canvas_side_by_side([1.0] * len(_PANELS), 2.6, left=1.75, gap=0.35, share_y=True)
    for axes, (name, title, unit) in zip(panels, _PANELS, strict=True):
        values = np.asarray([rows[student]["last"][name] for student in names])
        errors = None
        if name == "signature_distance":
            errors = 2.0 * np.asarray([rows[student]["last"]["signature_error"] for student in names])
            axes.axvline(0.0, color=MUTED, linewidth=0.8)
        colours = [ORANGE if student == "no teacher" else BLUE for student in names]
        axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=MUTED, elinewidth=1.0)
        axes.scatter(values, places, c=colours, s=28, zorder=3)
        axes.margins(x=0.08)  # no dot lies on the frame
        axes.set_yticks(places, names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        label(axes, title=title, y="", x=unit)
    return figure
