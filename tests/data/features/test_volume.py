import numpy as np

from tests.data.features.batch import GROWTH, assert_twin


def test_volume_features_equal_their_pandas_twins(real, frames):
    for asset, frame in enumerate(frames):
        volume, close = frame["volume"], frame["close"]
        score = (volume - volume.rolling(21).mean()) / volume.rolling(21).std(ddof=0)
        assert_twin(real["volume_z_score"][:, asset], score, warm_up_bars=20)
        typical = (frame["high"] + frame["low"] + close) / 3
        average = (typical * volume).rolling(21).sum() / volume.rolling(21).sum()
        assert_twin(real["vwap_distance"][:, asset], np.log(close / average), warm_up_bars=20)
        impact = np.log(close).diff().abs() / (close * volume)
        illiquidity = np.log(impact.rolling(5).mean() / impact.rolling(63).mean())
        assert illiquidity.first_valid_index() == 63
        assert_twin(real["illiquidity"][:, asset], illiquidity, warm_up_bars=63)


def test_a_burst_of_volume_by_hand(toy):
    # 20 ones and a 22: mean 2, variance (20 * 1 + 400) / 21 = 20
    np.testing.assert_allclose(toy["volume_z_score"][200], np.sqrt(20), rtol=1e-9)
    np.testing.assert_array_equal(toy["volume_z_score"][20:200], 0.0)
    # typical price of the still asset is (2 cosh g + 1) / 3; at bar 200: 20 at 1 and 22 at 1.1, close at 1.1
    typical = (2 * np.cosh(GROWTH) + 1) / 3
    expected = np.log(1.1 / ((20 + 22 * 1.1) / 42 * typical))
    np.testing.assert_allclose(toy["vwap_distance"][200, 2], expected, rtol=1e-9)


def test_a_lone_impact_by_hand(toy):
    # one bar of 5 and of 63 moved: (x / 5) / (x / 63), until it leaves the short window; 0 where it has left
    np.testing.assert_allclose(toy["illiquidity"][200:205, 2], np.log(63 / 5), rtol=1e-9)
    np.testing.assert_array_equal(toy["illiquidity"][205:, 2], 0.0)
    np.testing.assert_array_equal(toy["illiquidity"][:, 3], 0.0)


def test_bars_without_volume_do_not_count(toy, toy_market):
    # of the last five bars two traded, and of the last 63 sixty; the impact is g over the value traded
    impact = 1 / (toy_market.close[182:245, 1] * np.where(np.arange(182, 245) == 200, 22.0, 1.0))
    traded = toy_market.volume[182:245, 1] > 0
    expected = np.log(impact[-2:].mean() / impact[traded].mean())
    np.testing.assert_allclose(toy["illiquidity"][244, 1], expected, rtol=1e-9)
    # the weighted price leaves them out too: of bars 224 to 244, 18 traded, equally
    close = toy_market.close[224:245, 1]
    typical = close * (2 * np.cosh(GROWTH) + 1) / 3
    average = typical[toy_market.volume[224:245, 1] > 0].mean()
    np.testing.assert_allclose(toy["vwap_distance"][244, 1], np.log(close[-1] / average), rtol=1e-9)
