import numpy as np

from tests.data.features.batch import assert_twin


def test_bipower_ratio_equals_its_pandas_twin(real, frames):
    for asset, frame in enumerate(frames):
        size = np.log(frame["close"]).diff().abs()
        neighbours = (size * size.shift(1)).rolling(20).sum()
        twin = np.pi / 2 * 21 / 20 * neighbours / (size**2).rolling(21).sum()
        assert twin.first_valid_index() == 21
        assert_twin(real["bipower_ratio"][:, asset], twin, warm_up_bars=21)


def test_equal_moves_and_a_lone_jump_by_hand(toy):
    # 20 equal products over 21 equal squares, times pi/2 * 21/20
    np.testing.assert_allclose(toy["bipower_ratio"][21:, :2], np.pi / 2, rtol=1e-9)
    np.testing.assert_array_equal(toy["bipower_ratio"][200:221, 2], 0.0)  # a jump has no neighbour
    np.testing.assert_array_equal(toy["bipower_ratio"][21:, 3], 1.0)
