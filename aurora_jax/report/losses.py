"""How the trainings went."""

import numpy as np
from matplotlib.figure import Figure

from .content import LossCurve
from .style import BLUE, MUTED, ORANGE, PURPLE, canvas_side_by_side, label, legend, note

_COLOURS = (BLUE, ORANGE, PURPLE, MUTED)


def loss_figure(curves: tuple[LossCurve, ...]) -> Figure:
    """Draw the losses of each model in a panel of its own."""
    models = list(dict.fromkeys(curve.model for curve in curves))
    figure, panels = canvas_side_by_side([1.0] * len(models), 2.6)
    for axes, model in zip(panels, models, strict=True):
        mine = [curve for curve in curves if curve.model == model]
        for curve, colour in zip(mine, _COLOURS * len(mine), strict=False):
            finite = np.isfinite(curve.losses)
            marker = "o" if finite.sum() < 25 else ""
            axes.plot(
                curve.steps[finite],
                curve.losses[finite],
                color=colour,
                linewidth=1.2,
                marker=marker,
                markersize=3.5,
                label=curve.name,
            )
        if not any(np.any(np.isfinite(curve.losses)) for curve in mine):
            note(axes, "no finite loss")
        label(axes, title=model[:1].upper() + model[1:], y="loss", x="optimiser step")
        axes.margins(x=0.02)
        legend(axes)
    return figure
