"""How the student's training went."""

import numpy as np
from matplotlib.figure import Figure

from .metrics import Metrics, draw_scores, held_out_scores
from .metrics import column as metrics_column
from .style import BLUE, GREEN, MUTED, PURPLE, SKY, canvas, label, legend


def student_training_figure(metrics: Metrics, score_before: float) -> Figure:
    """Draw one-step forecast, evidence bound, steepness and gradient, one under the other over the same steps.

    Args:
        metrics: a record for each step: step, prediction, single, reconstruction, divergence, jacobian, gradient_norm
            and held_out, which is None in a step without a score.
        score_before: of the untrained network, nats per return of the validation windows.
    """

    def column(name: str) -> np.ndarray:
        return metrics_column(metrics, name)

    step = column("step") + 1
    figure, (forecast, evidence, steepness, gradient) = canvas([2.2, 1.5, 0.9, 0.9])
    told = 0.5 * (column("prediction") + column("single"))
    forecast.plot(step, told, color=SKY, linewidth=0.8, label="each step's windows")
    draw_scores(forecast, held_out_scores(metrics, score_before), name="validation")
    label(
        forecast,
        title="Forecast of the next return, minus log-likelihood: joint and single, averaged",
        y="nats per return",
    )
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
