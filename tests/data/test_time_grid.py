import dataclasses

import numpy as np
import pytest

from aurora_jax.data import DataError, ensure_time_grid, validate
from tests.data.bars import FIRST_DAY, market

HOURS = FIRST_DAY + 3600 * np.arange(6)


@pytest.fixture(scope="module")
def hourly():
    return market(np.arange(1.0, 7.0), spread=0.1, volume=9.0, times=HOURS)


def without(data, *bars):
    kept = np.setdiff1d(np.arange(len(data.times)), bars)
    tables = {
        name: getattr(data, name)[kept] for name in ("times", "open", "high", "low", "close", "volume", "imputed")
    }
    return dataclasses.replace(data, **tables)


def test_a_full_grid_is_left_alone(hourly):
    assert ensure_time_grid(hourly, bar_seconds=3600, maximum_gap_bars=0).digest == hourly.digest


def test_missing_bars_are_flat_without_volume_and_flagged(hourly):
    data = validate(ensure_time_grid(without(hourly, 2, 3), bar_seconds=3600, maximum_gap_bars=2))
    np.testing.assert_array_equal(data.times, HOURS)
    assert data.close[:, 0].tolist() == [1, 2, 2, 2, 5, 6]
    for table in (data.open, data.high, data.low):  # flat at the last close, not at the last high
        assert table[2:4, 0].tolist() == [2, 2]
    assert data.volume[:, 0].tolist() == [9, 9, 0, 0, 9, 9]
    assert data.imputed[:, 0].tolist() == [False, False, True, True, False, False]
    np.testing.assert_array_equal(data.high[4:], hourly.high[4:])


def test_an_imputed_bar_stays_imputed(hourly):
    flags = np.zeros((6, 1), dtype=bool)
    flags[1] = True
    data = ensure_time_grid(
        without(dataclasses.replace(hourly, imputed=flags), 2), bar_seconds=3600, maximum_gap_bars=1
    )
    assert data.imputed[:, 0].tolist() == [False, True, True, False, False, False]


def test_close_only_data_stays_close_only():
    data = market([1.0, 2.0], times=np.array([FIRST_DAY, FIRST_DAY + 7200]))
    filled = ensure_time_grid(data, bar_seconds=3600, maximum_gap_bars=1)
    assert filled.columns == data.columns
    assert filled.close[:, 0].tolist() == [1.0, 1.0, 2.0]


def test_long_gaps_and_bars_off_the_grid_are_refused(hourly):
    with pytest.raises(DataError, match=r"2 bars missing after 2020-01-01T01:00:00Z and maximum_gap_bars is 1"):
        ensure_time_grid(without(hourly, 2, 3), bar_seconds=3600, maximum_gap_bars=1)
    with pytest.raises(DataError, match=r"the bar at 2020-01-01T01:00:00Z is off the grid of 7200 s"):
        ensure_time_grid(hourly, bar_seconds=7200, maximum_gap_bars=1)
    with pytest.raises(ValueError, match="were 0 and 1"):
        ensure_time_grid(hourly, bar_seconds=0, maximum_gap_bars=1)
