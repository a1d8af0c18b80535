"""Whether the router's confidence means what it says."""

import numpy as np
from matplotlib.figure import Figure

from .content import RouterReport
from .style import BLUE, MUTED, PALE, SKY, canvas_side_by_side, label, legend, percent_axis

_BINS = 10


def reliability_figure(router: RouterReport) -> Figure:
    """Draw how often the router was right against how sure it was, and how often it was that sure."""
    confidence = np.max(router.probabilities, axis=1)
    right = np.argmax(router.probabilities, axis=1) == router.labels
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    which = np.clip(np.digitize(confidence, edges[1:-1]), 0, _BINS - 1)
    count = np.bincount(which, minlength=_BINS)
    used = count > 0
    said = np.bincount(which, confidence, _BINS)[used] / count[used]
    came = np.bincount(which, right, _BINS)[used] / count[used]
    low, high = wilson(came, count[used])

    figure, (curve, histogram) = canvas_side_by_side([1.25, 1.0], 3.3)
    curve.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), label="calibrated")
    errors = np.maximum(np.stack([came - low, high - came]), 0.0)  # at a share of 1 rounding leaves -1e-17
    curve.errorbar(
        said, came, yerr=errors, fmt="o-", color=BLUE, markersize=5, linewidth=1.3, label="router, 95% interval"
    )
    first = float(edges[np.flatnonzero(used)[0]])
    curve.set_xlim(first, 1.02)
    curve.set_ylim(max(min(first, float(low.min())) - 0.03, 0.0), 1.03)
    label(curve, title="Reliability", y="share of windows it was right", x="probability the router gave its choice")
    legend(curve)
    histogram.bar(edges[:-1], count, width=0.1, align="edge", color=SKY, alpha=0.8, edgecolor=PALE)
    histogram.set_xlim(first, 1.02)
    label(histogram, title=f"{len(right)} held-out windows", y="windows", x="probability the router gave its choice")
    for axes in (curve, histogram):
        percent_axis(axes.xaxis)
    percent_axis(curve.yaxis)
    return figure


def wilson(share: np.ndarray, count: np.ndarray, *, sigmas: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's (1927) interval of a share of `count` trials; unlike Wald's it has a width at 0 and 1."""
    square = sigmas**2 / count
    centre = (share + 0.5 * square) / (1.0 + square)
    half = sigmas / (1.0 + square) * np.sqrt(share * (1.0 - share) / count + square / (4.0 * count))
    return centre - half, centre + half
