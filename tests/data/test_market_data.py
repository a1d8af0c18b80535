import dataclasses
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from aurora_jax.core import Columns
from aurora_jax.data import DataError
from tests.data.bars import DAY, FIRST_DAY, market


@pytest.fixture(scope="module")
def data():
    close = np.array([[100.0, 10.0], [110.0, 5.0], [99.0, 20.0], [99.0, 20.0]])
    return market(close, spread=0.01, volume=7.0, assets=("AAA", "BBB"))


def test_columns_say_what_is_there(data):
    assert data.columns == Columns(ohlc=True, volume=True)
    assert market([1.0, 2.0]).columns == Columns(ohlc=False, volume=False)
    assert market([1.0, 2.0], volume=1.0).columns == Columns(ohlc=False, volume=True)


def test_bars_stack_what_bar_gives_one_by_one(data):
    bars = data.bars()
    assert bars.columns == data.columns
    for i in (0, 3, -1):
        bar = data.bar(i)
        for name in bars._fields:
            np.testing.assert_array_equal(getattr(bar, name), getattr(bars, name)[i])
    assert bars.latency_ms.shape == bars.drawdown.shape == (4,)
    assert not np.any([bars.latency_ms, bars.data_age_s, bars.error_rate, bars.drawdown])
    assert (bars.time.dtype, bars.close.dtype, bars.imputed.dtype) == (np.int64, np.float64, np.bool_)
    assert market([1.0, 2.0]).bar(1).high is None
    with pytest.raises(ValueError, match=r"bar 4 .* has 4 bars"):
        data.bar(4)


def test_log_returns_by_hand(data):
    expected = np.log([[1.1, 0.5], [0.9, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(data.log_returns(), expected, rtol=1e-12, atol=1e-15)


def test_between_is_half_open_and_utc(data):
    part = data.between("2020-01-02", "2020-01-04")
    assert [datetime.fromtimestamp(t, UTC).day for t in part.times] == [2, 3]
    np.testing.assert_array_equal(part.close, data.close[1:3])
    assert data.between(None, "2020-01-02").times.tolist() == [FIRST_DAY]
    assert data.between("2020-01-04", None).times.tolist() == [FIRST_DAY + 3 * DAY]
    # 2020-01-02T00:00 UTC is 2020-01-02T02:00 at +02:00, so the bar of that day lies before the half hour after it
    assert data.between("2020-01-02T02:30:00+02:00", None).times[0] == FIRST_DAY + 2 * DAY
    with pytest.raises(DataError, match=r"no bar from 2021-01-01 up to 2022-01-01.* 2020-01-01 to 2020-01-04"):
        data.between("2021-01-01", "2022-01-01")
    with pytest.raises(DataError, match="'yesterday' is not an ISO 8601 date"):
        data.between("yesterday", None)


def test_dates_do_not_depend_on_where_the_machine_stands(data, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert data.between("2020-01-02", None).times[0] == FIRST_DAY + DAY
    finally:
        monkeypatch.undo()
        time.tzset()


def test_rows_and_select_take_parts(data):
    np.testing.assert_array_equal(data.rows(1, 3).high, data.high[1:3])
    np.testing.assert_array_equal(data.rows(-1, None).times, data.times[-1:])
    turned = data.select(["BBB", "AAA"])
    assert turned.assets == ("BBB", "AAA")
    np.testing.assert_array_equal(turned.volume, data.volume[:, ::-1])
    np.testing.assert_array_equal(turned.low, data.low[:, ::-1])
    assert market([1.0, 2.0], assets=("X",)).select(["X"]).open is None
    with pytest.raises(DataError, match="no asset CCC; it has AAA, BBB"):
        data.select(["AAA", "CCC"])


def test_digest_names_the_content(data):
    same = dataclasses.replace(data, close=data.close.copy(), source="elsewhere", licence="other")
    assert same.digest == data.digest
    assert len(data.digest) == 64
    one_bit = data.close.copy()
    one_bit[2, 1] = np.nextafter(one_bit[2, 1], np.inf)
    flagged = data.imputed.copy()
    flagged[0, 0] = True
    changes = (
        {"close": one_bit},
        {"times": data.times + 1},
        {"volume": None},
        {"imputed": flagged},
        {"assets": ("AAAB", "BB")},
        {"symbol": "other"},
    )
    digests = {dataclasses.replace(data, **change).digest for change in changes}
    assert len(digests | {data.digest}) == len(changes) + 1


def test_arrays_are_read_only_and_the_callers_stay_writeable():
    close = np.array([[1.0], [2.0]])
    data = dataclasses.replace(market([1.0, 2.0]), close=close)
    with pytest.raises(ValueError, match="read-only"):
        data.close[0, 0] = 3.0
    close[0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.symbol = "other"


def test_shapes_that_disagree_are_named(data):
    with pytest.raises(ValueError, match=r"\(bars, assets\) = \(4, 1\), was \(4, 2\)"):
        dataclasses.replace(data, assets=("AAA",))
    with pytest.raises(ValueError, match="go together: high missing"):
        dataclasses.replace(data, high=None)
