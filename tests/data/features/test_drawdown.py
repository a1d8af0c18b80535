import numpy as np

from tests.data.features.batch import GROWTH, assert_twin


def test_drawdown_equals_its_pandas_twin(real, frames):
    for asset, frame in enumerate(frames):
        highest = frame["close"].rolling(63).max()
        assert highest.first_valid_index() == 62
        assert_twin(real["drawdown"][:, asset], np.log(frame["close"] / highest), warm_up_bars=62)


def test_highs_and_a_zigzag_by_hand(toy):
    np.testing.assert_array_equal(toy["drawdown"][:, 0], 0.0)
    np.testing.assert_allclose(toy["drawdown"][62:, 1], np.tile([-GROWTH, 0.0], 97), rtol=1e-9)
