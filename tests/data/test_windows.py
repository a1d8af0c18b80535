import numpy as np
import pytest

from aurora_jax.data import windows


def test_windows_by_hand():
    array = np.arange(7.0)
    assert windows(array, length_bars=3, stride_bars=2).tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert windows(array, length_bars=4, stride_bars=2).tolist() == [[0, 1, 2, 3], [2, 3, 4, 5]]  # 6 has no full window
    assert windows(array, length_bars=7, stride_bars=9).tolist() == [array.tolist()]


def test_windows_keep_the_other_axes():
    array = np.arange(24).reshape(6, 2, 2)
    cut = windows(array, length_bars=2, stride_bars=1)
    assert cut.shape == (5, 2, 2, 2)
    for start in range(5):
        np.testing.assert_array_equal(cut[start], array[start : start + 2])


def test_bad_lengths_are_named():
    with pytest.raises(ValueError, match=r"length_bars must lie in \[1, 5\], the bars given, was 6"):
        windows(np.arange(5.0), length_bars=6, stride_bars=1)
    with pytest.raises(ValueError, match="stride_bars must be at least 1, was 0"):
        windows(np.arange(5.0), length_bars=2, stride_bars=0)
