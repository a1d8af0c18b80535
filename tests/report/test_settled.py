"""Lining forecasts up with the bars that they were about."""

import numpy as np

from aurora_jax.report.settled import rolling_mean, rolling_share, settled, window_for


def test_a_miss_is_a_return_outside_the_interval_of_its_own_bar(basket):
    found = settled(basket.rows)
    outside = (found.returns < found.lower) | (found.returns > found.upper)
    np.testing.assert_array_equal(found.missed, outside & found.observed)
    assert found.missed.sum() > 100
    # The first bar after warming up settles the interval that the bar before it reported.
    first = np.flatnonzero(found.observed[:, 0])[0]
    np.testing.assert_array_equal(found.upper[first], basket.rows.info.certificate.interval.upper[first - 1])
    assert np.all(np.isnan(found.lower[:first]))


def test_one_asset_is_a_column(basket):
    np.testing.assert_array_equal(settled(basket.rows).of(3).missed[:, 0], settled(basket.rows).missed[:, 3])


def test_rolling_share_by_hand():
    events = np.array([[1], [0], [1], [1], [0]], bool)
    counted = np.array([[1], [1], [0], [1], [1]], bool)
    # Windows of two bars: {1}, {1, 0}, {0}, {1}, {1, 0}; the third and fourth are half full.
    np.testing.assert_array_equal(rolling_share(events, counted, window_bars=2), [1.0, 0.5, 0.0, 1.0, 0.5])
    np.testing.assert_array_equal(rolling_share(events, counted, window_bars=3), [np.nan, 0.5, 0.5, 0.5, 0.5])


def test_rolling_share_pools_columns():
    events, counted = np.array([[1, 0], [1, 1]], bool), np.ones((2, 2), bool)
    np.testing.assert_array_equal(rolling_share(events, counted, window_bars=2), [0.5, 0.75])


def test_rolling_mean_by_hand():
    values = np.array([np.nan, 1.0, 3.0, np.inf, 5.0])
    np.testing.assert_array_equal(rolling_mean(values, window_bars=2), [np.nan, 1.0, 2.0, 3.0, 5.0])


def test_window_leaves_most_of_a_short_history():
    assert [window_for(bars) for bars in (2, 40, 400, 4000)] == [2, 10, 100, 250]
