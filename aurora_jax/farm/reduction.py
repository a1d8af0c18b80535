"""Reduction: invariants of paths into those of chunks, and of chunks into those of cells."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..core import Estimate, Outcome


class Moments(NamedTuple):
    """Count, mean and sum of squared deviations of the usable estimates among `of`."""

    count: int
    mean: float
    squares: float
    of: int

    @property
    def standard_error(self) -> float | None:
        """Return the standard error of the mean over independent paths; None below two usable estimates."""
        if self.count < 2:
            return None
        return math.sqrt(self.squares / (self.count - 1) / self.count)


NOTHING = Moments(0, 0.0, 0.0, 0)


def moments(estimate: Estimate) -> Moments:
    """Reduce a batch of estimates (one or more a path), leaving out those whose outcome is not OK."""
    values = np.asarray(estimate.value, np.float64)
    kept = values[(np.asarray(estimate.outcome) == Outcome.OK) & np.isfinite(values)]
    if not kept.size:
        return Moments(0, 0.0, 0.0, values.size)
    mean = float(kept.mean())
    return Moments(int(kept.size), mean, float(np.sum((kept - mean) ** 2)), values.size)


def pooled(parts: Iterable[Moments]) -> Moments:
    """Merge moments of disjoint samples, in the order given (so that the last bit does not depend on the workers).

    References:
        Chan, Golub and LeVeque (1983), Am. Stat. 37(3), 242-247, eq. 2.1.
    """
    total = NOTHING
    for part in parts:
        count = total.count + part.count
        if part.count:
            shift = part.mean - total.mean
            mean = total.mean + shift * part.count / count
            squares = total.squares + part.squares + shift**2 * total.count * part.count / count
        else:
            mean, squares = total.mean, total.squares
        total = Moments(count, mean, squares, total.of + part.of)
    return total
