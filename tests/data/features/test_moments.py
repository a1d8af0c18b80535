import numpy as np
from scipy import stats

from tests.data.features.batch import assert_twin


def test_skewness_and_kurtosis_equal_scipy(real, frames):
    for asset, frame in enumerate(frames):
        returns = np.diff(np.log(frame["close"]))
        # window k holds returns k..k+62, the last of which arrives with bar k + 63
        windows = np.lib.stride_tricks.sliding_window_view(returns, 63)
        pad = np.full(63, np.nan)
        skewness = np.concatenate([pad, stats.skew(windows, axis=1)])
        kurtosis = np.concatenate([pad, stats.kurtosis(windows, axis=1, fisher=False)])
        assert_twin(real["skewness"][:, asset], skewness, warm_up_bars=63)
        assert_twin(real["kurtosis"][:, asset], np.log(kurtosis / 3), warm_up_bars=63)


def test_one_jump_by_hand(toy):
    # n - 1 zeros and one jump: with p = 1/n skewness is (1 - 2p) / sqrt(p (1 - p)), kurtosis 1/(p (1 - p)) - 3
    p = 1 / 63
    np.testing.assert_allclose(toy["skewness"][200:, 2], (1 - 2 * p) / np.sqrt(p * (1 - p)), rtol=1e-9)
    np.testing.assert_allclose(toy["kurtosis"][200:, 2], np.log((1 / (p * (1 - p)) - 3) / 3), rtol=1e-9)
    np.testing.assert_array_equal(toy["skewness"][:, 3], 0.0)
    np.testing.assert_array_equal(toy["kurtosis"][:, 3], 0.0)
