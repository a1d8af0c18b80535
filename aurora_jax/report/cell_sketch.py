"""What the page of a data set draws of a cell, gathered chunk by chunk in memory that does not grow with its paths."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..core import Trajectories

# Losses are counted above fixed levels, so that chunks add up and nothing need be kept: 60 levels a decade.
LOSS_LEVELS: Float[np.ndarray, " levels"] = np.logspace(-5.0, 2.0, 421)
_POINTS_MAX, _PATHS_MAX = 96, 8192


class CellSketch(NamedTuple):
    """A cell in few numbers.

    Attributes:
        steps: at which the fan is known; the first is 0.
        fan: cumulative log returns of the equal-weight basket at those steps, of at most 8,192 paths evenly chosen.
        paths: paths in the cell, whether in the fan or not.
        exceedances: how many losses of single assets exceed each of `LOSS_LEVELS`.
        losses: losses of single assets, gains included.
        mean: of the losses.
        deviation: their standard deviation.
    """

    steps: Int[np.ndarray, " points"]
    fan: Float[np.ndarray, "kept points"]
    paths: int
    exceedances: Int[np.ndarray, " levels"]
    losses: int
    mean: float
    deviation: float


def sketch(chunks: Iterable[Trajectories], *, paths: int) -> CellSketch:
    """Reduce a cell of `paths` paths, one chunk in memory at a time.

    Raises:
        ValueError: if there is no chunk, or a price is not a number.
    """
    stride = math.ceil(paths / _PATHS_MAX)
    kept: list[np.ndarray] = []
    steps = np.zeros(0, int)
    exceedances = np.zeros(LOSS_LEVELS.size, np.int64)
    seen = count = 0
    total = squares = 0.0
    for chunk in chunks:
        prices = np.asarray(chunk.log_price, np.float64)
        if not np.isfinite(prices).all():
            raise ValueError(f"a chunk holds prices that are no numbers, from path {seen} on.")
        points = prices.shape[1]
        steps = np.unique(np.linspace(0, points - 1, min(points, _POINTS_MAX)).astype(int))
        basket = (prices - prices[:, :1]).mean(axis=2)
        kept.append(basket[-seen % stride :: stride, steps].astype(np.float32))
        losses = np.sort(-np.diff(prices, axis=1).ravel())
        exceedances += losses.size - np.searchsorted(losses, LOSS_LEVELS, side="right")
        seen, count = seen + prices.shape[0], count + losses.size
        total, squares = total + float(losses.sum()), squares + float(np.square(losses).sum())
    if not kept:
        raise ValueError("the cell has no chunk.")
    mean = total / count
    deviation = math.sqrt(max(squares / count - mean**2, 0.0))
    return CellSketch(steps, np.concatenate(kept), seen, exceedances, count, mean, deviation)
