import numpy as np
import pytest

from aurora_jax.data import DataError, require_bars, split
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


def test_each_period_must_hold_the_bars_it_needs(data):
    parts = split(data, train_end="2020-01-11", validation_end="2020-01-21", embargo_bars=3)  # 10, 7 and 8 bars
    assert require_bars(parts, name="toy.csv", train=10, validation=7, test=8) is parts
    assert require_bars(parts, name="toy.csv") is parts
    for needed, message in (
        (
            {"train": 11},
            r"train period holds 10 bars \(2020-01-01 to 2020-01-10\) .* 11 are needed; set train_end later",
        ),
        ({"validation": 8}, "validation period holds 7 bars .* 8 are needed; set train_end earlier or validation_end"),
        (
            {"test": 9},
            r"test period holds 8 bars \(2020-01-24 .* 9 are needed; set validation_end earlier, give a longer",
        ),
    ):
        with pytest.raises(DataError, match=f"^toy.csv: the {message}") as caught:
            require_bars(parts, name="toy.csv", **needed)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="validation period holds 0 bars and at least 1"):
        require_bars(parts._replace(validation=data.rows(0, 0)), name="toy.csv")
    with pytest.raises(ValueError, match="test must be at least 1 bar, was 0"):
        require_bars(parts, name="toy.csv", test=0)
