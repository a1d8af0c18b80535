"""How the teacher's training went, and what it learnt of each regime."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .metrics import Metrics, draw_scores, held_out_scores
from .metrics import column as metrics_column
from .style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    PURPLE,
    SKY,
    canvas,
    canvas_side_by_side,
    label,
    legend,
    note,
)


def training_figure(metrics: Metrics, score_before: float) -> Figure:
    """Draw likelihood, path distance, separation and gradient, one under the other over the same steps.

    Args:
        metrics: a record for each step: step, negative_log_likelihood, signature_distance, separation, gradient_norm,
            learning_rate, and held_out, which is None in a step without a score.
        score_before: of the untrained teacher, nats per bar of the held-out blocks.
    """

    def column(name: str) -> np.ndarray:
        return metrics_column(metrics, name)

    step, values = column("step") + 1, column("signature_distance")
    figure, (fit, distance, separation, gradient) = canvas([2.2, 1.5, 1.0, 1.3])
    fit.plot(step, column("negative_log_likelihood"), color=BLUE, linewidth=1.2, label="training")
    draw_scores(fit, held_out_scores(metrics, score_before), name="held out")
    label(fit, title="Minus log-likelihood", y="nats per bar")
    legend(fit)

    compared = np.isfinite(values) & (values != 0.0)  # exactly 0: a step without it
    if compared.any():
        distance.plot(step[compared], values[compared], color=SKY, linewidth=0.8, label="each step's windows")
        distance.plot(step[compared], _smooth(values[compared]), color=BLUE, linewidth=1.6, label="smoothed")
        distance.axhline(0.0, color=MUTED, linewidth=0.8)
        legend(distance)
    else:
        note(distance, "not part of the loss")
    label(distance, title="Distance of paths (signature MMD²)", y="MMD²")

    separation.plot(step, column("separation"), color=GREEN, linewidth=1.2)
    label(separation, title="Separation: jumps per bar + squared slope of the diffusion", y="per bar")

    rate = column("learning_rate")
    gradient.plot(step, column("gradient_norm"), color=PURPLE, linewidth=0.9, label="gradient norm before clipping")
    gradient.plot(step[rate > 0.0], rate[rate > 0.0], color=INK, linewidth=1.2, label="learning rate")
    label(gradient, title="Steps", y="log scale", x="optimiser step")
    gradient.set_yscale("log")
    legend(gradient)
    for axes in (fit, distance, separation):
        axes.margins(y=0.08)
    gradient.set_xlim(0, max(float(step[-1]), 1.0))
    return figure


def regimes_figure(learnt: Mapping[str, Sequence[float]], regimes: Sequence[str]) -> Figure:
    """Draw what a teacher learnt of each regime, a panel for each parameter.

    Args:
        learnt: values in each regime, by name.
        regimes: their names.
    """
    figure, panels = canvas_side_by_side([1.0] * len(learnt), 2.2, left=0.55, gap=0.55)
    places = np.arange(len(regimes))
    for axes, (name, values) in zip(panels, learnt.items(), strict=True):
        axes.plot(places, values, "o", color=BLUE, markersize=6.5)
        axes.set_xticks(places, regimes)
        axes.tick_params(labelsize=7.5)
        axes.set_xlim(-0.5, len(regimes) - 0.5)
        low, high = min(values), max(values)
        middle, half = 0.5 * (low + high), max(0.7 * (high - low), 0.06 * abs(low + high), 1e-6)
        axes.set_ylim(middle - half, middle + half)  # regimes that hardly differ shall look so
        label(axes, title=name, y="")
        axes.title.set_fontsize(8.5)
    return figure


def _smooth(values: Float[np.ndarray, " steps"], *, steps: float = 10.0) -> Float[np.ndarray, " steps"]:
    """Return the causal exponential mean with a centre of mass of `steps`, without the pull of a start at zero."""
    keep = steps / (1.0 + steps)
    total = weight = 0.0
    smoothed = np.empty(len(values))
    for place, value in enumerate(values):
        total, weight = keep * total + value, keep * weight + 1.0
        smoothed[place] = total / weight
    return smoothed
