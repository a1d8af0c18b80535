"""A training's metrics as arrays to draw."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from .style import ORANGE, VERMILLION

Metrics = Sequence[Mapping[str, int | float | None]]


class HeldOutScores(NamedTuple):
    """Scores of held-out data, the start's first, by steps taken; `best` is the place of the least."""

    steps: Float[np.ndarray, " scores"]
    values: Float[np.ndarray, " scores"]
    best: int


def column(metrics: Metrics, name: str) -> Float[np.ndarray, " steps"]:
    """Return a number of each step, NaN where there is none."""
    return np.asarray([np.nan if line[name] is None else line[name] for line in metrics], float)


def held_out_scores(metrics: Metrics, score_before: float) -> HeldOutScores:
    """Return the scores that there are, after that of the untrained model."""
    values = column(metrics, "held_out")
    seen = np.isfinite(values)
    steps = np.append(0, column(metrics, "step")[seen] + 1)
    scores = np.append(score_before, values[seen])
    return HeldOutScores(steps, scores, int(np.argmin(scores)))


def draw_scores(axes: Axes, scores: HeldOutScores, *, name: str) -> None:
    """Draw held-out scores over steps, and mark the one that was kept."""
    steps, values, best = scores
    axes.plot(steps, values, color=ORANGE, linewidth=1.2, marker="o", markersize=3.0, label=name)
    axes.plot(steps[best], values[best], "o", markersize=8, markerfacecolor="none", color=VERMILLION, label="kept")
