import numpy as np
import pandas as pd

from tests.data.features.batch import GROWTH, assert_twin


def test_average_true_range_equals_its_pandas_twin(real, frames):
    for asset, frame in enumerate(frames):
        before = frame["close"].shift(1)
        true_range = pd.concat(
            [frame["high"] - frame["low"], (frame["high"] - before).abs(), (frame["low"] - before).abs()], axis=1
        ).max(axis=1)
        twin = np.log(true_range.ewm(alpha=1 / 14).mean() / frame["close"])
        assert_twin(real["average_true_range"][:, asset], twin, warm_up_bars=28)


def test_parkinson_and_range_equal_their_pandas_twins(real, frames):
    for asset, frame in enumerate(frames):
        spread = np.log(frame["high"] / frame["low"])
        parkinson = 0.5 * np.log((spread**2).rolling(21).mean() / (4 * np.log(2)))
        assert parkinson.first_valid_index() == 20
        assert_twin(real["parkinson_volatility"][:, asset], parkinson, warm_up_bars=20)
        volatility = np.sqrt((np.log(frame["close"]).diff() ** 2).rolling(63).mean()).shift(1)
        assert_twin(real["range"][:, asset], spread / volatility, warm_up_bars=64)


def test_constant_ranges_by_hand(toy):
    # high and low lie g above and below the close, in logarithms
    np.testing.assert_allclose(toy["parkinson_volatility"][20:], np.log(2 * GROWTH / np.sqrt(4 * np.log(2))), rtol=1e-9)
    np.testing.assert_allclose(toy["average_true_range"][28:, 3], np.log(2 * np.sinh(GROWTH)), rtol=1e-9)
    np.testing.assert_allclose(toy["range"][64:, :2], 2.0, rtol=1e-9)  # 2 g over a volatility of g


def test_a_gap_belongs_to_the_true_range(toy):
    # before: 27 weights and more of 2 sinh g; at bar 200 the price gaps from 1 to 1.1
    decay, steady = 13 / 14, 2 * np.sinh(GROWTH)
    weight = (1 - decay**201) / (1 - decay)
    gap = (1.1 * np.exp(GROWTH) - 1.0) / 1.1
    expected = (gap + (weight - 1) * steady / 1.1) / weight
    np.testing.assert_allclose(toy["average_true_range"][200, 2], np.log(expected), rtol=1e-9)
