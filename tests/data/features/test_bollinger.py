import numpy as np

from tests.data.features.batch import GROWTH, assert_twin


def test_width_and_position_equal_their_pandas_twins(real, frames):
    for asset, frame in enumerate(frames):
        rolling = frame["close"].rolling(20)
        middle, deviation = rolling.mean(), rolling.std(ddof=0)
        assert middle.first_valid_index() == 19
        assert_twin(real["bollinger_width"][:, asset], np.log(4 * deviation / middle), warm_up_bars=19)
        assert_twin(real["bollinger_position"][:, asset], (frame["close"] - middle) / (2 * deviation), warm_up_bars=19)


def test_a_zigzag_by_hand(toy):
    # ten closes at 1 and ten at e^g: the deviation is half their distance, so the close is half way to a band
    np.testing.assert_allclose(np.abs(toy["bollinger_position"][19:, 1]), 0.5, rtol=1e-9)
    width = 4 * (np.exp(GROWTH) - 1) / 2 / ((np.exp(GROWTH) + 1) / 2)
    np.testing.assert_allclose(toy["bollinger_width"][19:, 1], np.log(width), rtol=1e-9)
    np.testing.assert_array_equal(toy["bollinger_position"][:, 3], 0.0)
    np.testing.assert_array_equal(toy["bollinger_width"][19:, 3], np.log(1e-8))
