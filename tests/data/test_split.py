import numpy as np
import pytest

from aurora_jax.data import DataError, split
from tests.data.bars import market


@pytest.fixture(scope="module")
def data():
    return market(np.arange(1.0, 32.0))  # close = day of January 2020


def test_the_embargo_is_cut_after_each_boundary(data):
    parts = split(data, train_end="2020-01-11", validation_end="2020-01-21", embargo_bars=3)
    days = [part.close[:, 0] for part in parts]
    np.testing.assert_array_equal(days[0], np.arange(1, 11))
    np.testing.assert_array_equal(days[1], np.arange(14, 21))  # 11, 12, 13 are dropped
    np.testing.assert_array_equal(days[2], np.arange(24, 32))


def test_no_embargo_loses_no_bar(data):
    parts = split(data, train_end="2020-01-11", validation_end="2020-01-21", embargo_bars=0)
    np.testing.assert_array_equal(np.concatenate([part.times for part in parts]), data.times)


def test_empty_parts_and_bad_arguments_are_named(data):
    with pytest.raises(DataError, match=r"no bar is left for validation .*2020-01-01 to 2020-01-31"):
        split(data, train_end="2020-01-11", validation_end="2020-01-14", embargo_bars=3)
    with pytest.raises(DataError, match="no bar is left for test"):
        split(data, train_end="2020-01-11", validation_end="2020-02-14", embargo_bars=3)
    with pytest.raises(DataError, match="no bar is left for train"):
        split(data, train_end="2019-01-11", validation_end="2020-01-14", embargo_bars=3)
    with pytest.raises(ValueError, match="must be before validation_end, were 2020-01-14 and 2020-01-11"):
        split(data, train_end="2020-01-14", validation_end="2020-01-11", embargo_bars=3)
    with pytest.raises(ValueError, match="embargo_bars must be at least 0, was -1"):
        split(data, train_end="2020-01-11", validation_end="2020-01-14", embargo_bars=-1)
