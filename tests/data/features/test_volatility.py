import numpy as np
import pytest

from aurora_jax.data.features import RealisedVolatility
from tests.data.features.batch import GROWTH, assert_twin


@pytest.mark.parametrize("window", [10, 63])
def test_realised_volatility_equals_its_pandas_twin(real, frames, window):
    for asset, frame in enumerate(frames):
        twin = 0.5 * np.log((np.log(frame["close"]).diff() ** 2).rolling(window).mean())
        assert twin.first_valid_index() == window
        assert_twin(real[f"volatility_{window}"][:, asset], twin, warm_up_bars=window)


def test_steady_moves_by_hand(toy):
    np.testing.assert_allclose(toy["volatility_10"][10:, :2], np.log(GROWTH), rtol=1e-9)
    # one jump among ten returns
    np.testing.assert_allclose(toy["volatility_10"][205, 2], np.log(np.log(1.1) / np.sqrt(10)), rtol=1e-9)


def test_a_still_price_has_the_floor(toy):
    np.testing.assert_array_equal(toy["volatility_63"][63:, 3], np.log(1e-8))


def test_a_bad_window_is_named():
    with pytest.raises(ValueError, match="window_bars must be at least 2, was 1"):
        RealisedVolatility(window_bars=1)
