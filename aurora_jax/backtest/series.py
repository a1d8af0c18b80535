"""What a series of returns must be before anything is computed from it."""

import numpy as np
from jaxtyping import Float


def require_series(name: str, series: Float[np.ndarray, " bars"], *, bars: int) -> Float[np.ndarray, " bars"]:
    """Return `series` in double precision.

    Args:
        name: of the argument, for the message.
        series: returns per bar.
        bars: fewest that the caller can use.

    Raises:
        ValueError: if it is shorter than `bars` or holds NaN or infinity.
    """
    if series.size < bars:
        raise ValueError(f"{name} must hold at least {bars} bars, held {series.size}: use a longer period.")
    if not np.all(np.isfinite(series)):
        raise ValueError(f"{name} must be finite, was {series[~np.isfinite(series)][0]} at a bar: drop or repair it.")
    return series.astype(float)


def deviation(series: Float[np.ndarray, " bars"]) -> float:
    """Return the sample standard deviation; exactly 0 where the series varies by no more than rounding."""
    if np.ptp(series) <= 1e-12 * np.max(np.abs(series), initial=0.0):
        return 0.0
    return float(np.std(series, ddof=1))
