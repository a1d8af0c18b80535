import dataclasses

import numpy as np
import pytest

from aurora_jax.data import DataError, to_frame, validate
from aurora_jax.data.validate import check_frame
from tests.data.bars import market

CLOSE = np.array([[100.0, 10.0], [110.0, 5.0], [99.0, 20.0], [99.0, 20.0]])


@pytest.fixture(scope="module")
def good():
    return market(CLOSE, spread=0.01, volume=7.0, assets=("AAA", "BBB"))


def test_good_data_comes_back_itself(good):
    assert validate(good, minimum_bars=4) is good
    assert validate(market(CLOSE)).open is None


def changed(table, bar, asset, value):
    copy = table.copy()
    copy[bar, asset] = value
    return copy


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("close", np.nan, r"close nan is not a finite number; repair or remove"),
        ("open", np.inf, r"open inf is not a finite number"),
        ("low", 0.0, r"low 0 is not a positive price"),
        ("close", -1.0, r"close -1 is not a positive price"),
        ("volume", -1.0, r"volume -1 is negative"),
        ("volume", np.nan, r"volume nan is not a finite number"),
        ("high", 19.9, r"high 19.9 is below open, low or close"),
        ("low", 20.1, r"low 20.1 is above open, high or close"),
    ],
)
def test_the_first_bad_bar_is_named(good, column, value, message):
    table = changed(changed(getattr(good, column), 2, 1, value), 3, 0, value)
    with pytest.raises(DataError, match=rf"a test: row 3 \(2020-01-03, BBB\): {message}"):
        validate(dataclasses.replace(good, **{column: table}))


@pytest.mark.parametrize(("day", "message"), [(1, "is duplicated"), (0.5, "is earlier than the row before it")])
def test_times_must_rise(good, day, message):
    times = good.times.copy()
    times[2] = times[0] + int(day * 86_400)
    with pytest.raises(DataError, match=rf"row 3 .*timestamp .* {message}"):
        validate(dataclasses.replace(good, times=times))


def test_too_short_a_history_is_counted(good):
    with pytest.raises(
        DataError, match="a test: 4 bars and at least 64 are needed; give a longer history or a shorter"
    ):
        validate(good, minimum_bars=64)


def test_a_column_of_another_type_is_refused(good):
    frame = to_frame(good).astype({"close": np.float32})
    with pytest.raises(DataError, match=r"^here: .*'close' to have type float64, got float32$"):
        check_frame(frame, origin="here", rows=np.arange(8))
