import numpy as np

from tests.data.features.batch import assert_twin


def test_relative_strength_equals_its_pandas_twin(real, frames):
    for asset, frame in enumerate(frames):
        change = frame["close"].diff()
        gain, loss = (part.clip(lower=0).ewm(alpha=1 / 14).mean() for part in (change, -change))
        index = 100 - 100 / (1 + gain / loss)
        assert_twin(real["relative_strength"][:, asset], index / 50 - 1, warm_up_bars=28)


def test_growth_zigzag_and_stillness_by_hand(toy):
    np.testing.assert_array_equal(toy["relative_strength"][28:, 0], 1.0)
    np.testing.assert_array_equal(toy["relative_strength"][28:, 3], 0.0)
    # alternating gains and losses of equal size in currency: with d = 13/14 the newest has weight 1 against d
    decay = 13 / 14
    np.testing.assert_allclose(toy["relative_strength"][255, 1], (1 - decay) / (1 + decay), atol=1e-6)
    np.testing.assert_allclose(toy["relative_strength"][254, 1], (decay - 1) / (1 + decay), atol=1e-6)
