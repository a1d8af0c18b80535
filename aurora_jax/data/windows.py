"""Overlapping windows of a series."""

import numpy as np
from jaxtyping import Array, Shaped


def windows(
    array: Shaped[Array | np.ndarray, "bars ..."], *, length_bars: int, stride_bars: int
) -> Shaped[np.ndarray, "count length ..."]:
    """Return every window of `length_bars` bars that starts at a multiple of `stride_bars` and fits.

    Args:
        array: time along its first axis.
        length_bars: length of a window, at least 1 and at most that of the array.
        stride_bars: distance between the starts of two windows, at least 1.

    Raises:
        ValueError: if either is out of its range.
    """
    if not 1 <= length_bars <= array.shape[0]:
        raise ValueError(f"length_bars must lie in [1, {array.shape[0]}], the bars given, was {length_bars}.")
    if stride_bars < 1:
        raise ValueError(f"stride_bars must be at least 1, was {stride_bars}.")
    starts = np.arange(0, array.shape[0] - length_bars + 1, stride_bars)
    return np.asarray(array)[starts[:, None] + np.arange(length_bars)]
