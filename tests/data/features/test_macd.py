import numpy as np

from tests.data.features.batch import assert_twin


def test_line_and_signal_equal_their_pandas_twins(real, frames):
    for asset, frame in enumerate(frames):
        log_close = np.log(frame["close"])
        line = log_close.ewm(span=12, adjust=False).mean() - log_close.ewm(span=26, adjust=False).mean()
        signal = line.ewm(span=9, adjust=False).mean()
        volatility = np.sqrt((log_close.diff() ** 2).rolling(63).mean()).shift(1)
        assert_twin(real["macd"][:, asset], line / volatility, warm_up_bars=64)
        assert_twin(real["macd_signal"][:, asset], signal / volatility, warm_up_bars=64)


def test_steady_growth_by_hand(toy):
    # an exponential average of span s lags a line of slope g by g (s - 1) / 2: 12.5 g - 5.5 g = 7 g
    np.testing.assert_allclose(toy["macd"][255, 0], 7.0, atol=1e-6)
    np.testing.assert_allclose(toy["macd_signal"][255, 0], 7.0, atol=1e-5)
    np.testing.assert_array_equal(toy["macd"][:, 3], 0.0)


def test_the_first_close_weighs_under_one_percent_after_warm_up():
    assert (1 - 2 / 27) ** 64 < 0.01
