"""How good a sequence of conformal bounds was."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Series = Float[np.ndarray, " bars"]


class IntervalMeasures(NamedTuple):
    """What is told of one method on one series.

    Attributes:
        bars: judged.
        coverage: share of targets inside.
        median_width: in the target's unit.
        infinite_share: of intervals, abstentions.
        worst_rolling_coverage: least coverage over any `rolling_bars` bars in a row.
        interval_score: mean Winkler score, in the target's unit.
    """

    bars: int
    coverage: float
    median_width: float
    infinite_share: float
    worst_rolling_coverage: float
    interval_score: float


def interval_measures(
    scores: Series, scales: Series, bounds: Series, *, miscoverage: float, burn_in_bars: int, rolling_bars: int = 500
) -> IntervalMeasures:
    r"""Judge the intervals forecast -+ bound x scale, after a burn-in.

    The interval score of a symmetric interval of half width w around a forecast with error e is

    $$S = 2 w + \frac{2}{\alpha} (|e| - w)_+$$

    An abstention is scored at the widest finite interval so far, and counted; it covers. A negative bound is empty: it
    has no width, covers nothing and is scored as w = 0.

    Args:
        scores: |target - forecast| / scale.
        scales: > 0.
        bounds: score bound of each bar, known before it.
        miscoverage: alpha.
        burn_in_bars: first bars, not judged; widths of theirs count as "so far".
        rolling_bars: of the rolling coverage.

    Raises:
        ValueError: if there are fewer judged bars than `rolling_bars`.

    References:
        Gneiting and Raftery (2007), J. American Statistical Association 102, eq. 43.
    """
    judged = len(scores) - burn_in_bars
    if judged < rolling_bars:
        raise ValueError(f"{judged} judged bars are fewer than the {rolling_bars} of the rolling coverage.")
    half = np.where(np.isinf(bounds), bounds, np.maximum(bounds, 0.0) * scales)
    widest = np.maximum.accumulate(np.where(np.isfinite(half), half, 0.0))
    scored = np.where(half == np.inf, widest, np.maximum(half, 0.0))
    score = 2.0 * scored + 2.0 / miscoverage * np.maximum(scores * scales - scored, 0.0)
    covered = (scores <= bounds)[burn_in_bars:]
    return IntervalMeasures(
        bars=judged,
        coverage=float(np.mean(covered)),
        median_width=float(2.0 * np.median(np.maximum(half, 0.0)[burn_in_bars:])),
        infinite_share=float(np.mean(np.isposinf(bounds[burn_in_bars:]))),
        worst_rolling_coverage=float(rolling_mean(covered.astype(float), rolling_bars).min()),
        interval_score=float(np.mean(score[burn_in_bars:])),
    )


def rolling_mean(values: Series, bars: int) -> Float[np.ndarray, " means"]:
    """Return the mean of each run of `bars` values, the first ending at value `bars`."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return (total[bars:] - total[:-bars]) / bars
