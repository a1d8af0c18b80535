"""The teacher as a market model: it starts from what it reads."""

import jax
import numpy as np
import pytest

from aurora_jax.study import TaughtMarket, held_out_windows
from aurora_jax.teacher import reference_teacher


@pytest.mark.slow
def test_windows_start_from_the_reading_before_them():
    """Twice the log-volatility at the start of one window: its first bars are e^1 times as wide as another's."""
    rng = np.random.default_rng(6)
    returns = 0.015 * rng.standard_normal((400, 2))
    held = held_out_windows(returns, first=256, bars=32)
    smooth = np.zeros((400, 1))
    smooth[held.starts[1] - 1] = 1.0
    model = TaughtMarket(reference_teacher(2), smooth, block_bars=64)
    paths = model.simulate(jax.random.key(1), held, copies=400)
    assert paths.shape == (held.starts.size, 400, 32, 2)
    # The mean absolute return bears jumps better than the standard deviation does.
    size = np.mean(np.abs(paths[:, :, 0]), axis=(1, 2))
    np.testing.assert_allclose(size[1] / size[0], np.e, rtol=0.15)
    again = model.simulate(jax.random.key(1), held, copies=400)
    np.testing.assert_array_equal(again, paths)


@pytest.mark.slow
def test_a_window_longer_than_a_block_is_whole():
    rng = np.random.default_rng(7)
    held = held_out_windows(0.015 * rng.standard_normal((700, 2)), first=400, bars=100)
    model = TaughtMarket(reference_teacher(2), np.zeros((700, 1)), block_bars=64)
    paths = model.simulate(jax.random.key(2), held, copies=3)
    assert paths.shape == (3, 3, 100, 2)
    assert np.all(np.isfinite(paths))
