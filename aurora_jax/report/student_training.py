"""How the student's training went."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, GREEN, MUTED, ORANGE, PURPLE, SKY, VERMILLION, canvas, label, legend


def student_training_figure(metrics: Sequence[Mapping[str, int | float | None]], score_before: float) -> Figure:
    """Draw one-step forecast, evidence bound, steepness and gradient, one under the other over the same steps.

    Args:
        metrics: a record for each step: step, prediction, reconstruction, divergence, jacobian, gradient_norm and
            held_out, which is None in a step without a score.
        score_before: of the untrained network, nats per return of the validation windows.
    """

    def column(name: str) -> np.ndarray:
        return np.asarray([np.nan if line[name] is None else line[name] for line in metrics], float)

    step, held_out = column("step") + 1, column("held_out")
    figure, (forecast, evidence, steepness, gradient) = canvas([2.2, 1.5, 0.9, 0.9])
    seen = np.isfinite(held_out)
    steps, scores = np.append(0, step[seen]), np.append(score_before, held_out[seen])
    best = int(np.argmin(scores))
    forecast.plot(step, column("prediction"), color=SKY, linewidth=0.8, label="each step's windows")
    forecast.plot(steps, scores, color=ORANGE, linewidth=1.4, marker="o", markersize=3.0, label="validation")
    forecast.plot(steps[best], scores[best], "o", markersize=8, markerfacecolor="none", color=VERMILLION, label="kept")
    label(forecast, title="Forecast of the next return, minus log-likelihood", y="nats per return")
    legend(forecast)
    evidence.plot(step, column("reconstruction"), color=BLUE, linewidth=1.0, label="reconstruction")
    evidence.plot(step, column("divergence"), color=PURPLE, linewidth=1.0, label="KL divergence")
    label(evidence, title="Evidence bound", y="nats per return")
    legend(evidence)
    for axes, name, colour, title in (
        (steepness, "jacobian", GREEN, "Squared norm of the transition's Jacobian"),
        (gradient, "gradient_norm", MUTED, "Norm of the gradient before it is clipped, by step"),
    ):
        axes.plot(step, column(name), color=colour, linewidth=1.0)
        axes.set_ylim(0.0, None)
        label(axes, title=title, y="")
    return figure
