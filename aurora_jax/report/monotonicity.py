"""How the end family's probability moves along SLERP paths that the router was not trained on."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from ..router import FAMILIES
from .style import BLUE, MUTED, SKY, canvas_side_by_side, label, note, percent_axis


def monotonicity_figure(
    router: Float[np.ndarray, "paths points families"],
    labels: Float[np.ndarray, "paths points families"],
    end_family: Int[np.ndarray, " paths"],
) -> Figure:
    """Draw the end family's mean probability and the middle half of the paths, beside what BIC gives it.

    Args:
        router: probabilities along the paths.
        labels: BIC weights along the same paths.
        end_family: of each path.
    """
    share = np.linspace(0.0, 1.0, router.shape[1])
    figure, panels = canvas_side_by_side([1.0] * len(FAMILIES), 2.8, share_y=True)
    for code, (axes, family) in enumerate(zip(panels, FAMILIES, strict=True)):
        own = end_family == code
        label(
            axes,
            title=f"Paths to {family}: {own.sum()}",
            y="its probability" if code == 0 else "",
            x="share of the way",
        )
        if not own.any():
            note(axes, "none")
            continue
        curves = router[own, :, code]
        low, high = np.quantile(curves, [0.25, 0.75], axis=0)
        axes.fill_between(share, low, high, color=SKY, alpha=0.35, linewidth=0.0, label="router, middle half")
        axes.plot(share, curves.mean(axis=0), color=BLUE, marker="o", markersize=4, label="router, mean")
        axes.plot(share, labels[own, :, code].mean(axis=0), color=MUTED, linestyle=(0, (4, 2)), label="BIC, mean")
        axes.set_ylim(0.0, 1.0)
        percent_axis(axes.yaxis)
        if code == 0:
            axes.legend(loc="upper left", frameon=False, fontsize=8)
    return figure
