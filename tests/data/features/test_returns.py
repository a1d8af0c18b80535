import numpy as np
import pytest

from aurora_jax.data.features import Momentum, Return
from tests.data.features.batch import assert_twin


def scaled(log_close, change, bars):
    volatility = np.sqrt((log_close.diff() ** 2).rolling(63).mean()).shift(1)
    return change / (volatility * np.sqrt(bars))


@pytest.mark.parametrize("horizon", [1, 5, 21])
def test_returns_equal_their_pandas_twin(real, frames, horizon):
    for asset, frame in enumerate(frames):
        log_close = np.log(frame["close"])
        twin = scaled(log_close, log_close.diff(horizon), horizon)
        assert twin.first_valid_index() == 64  # 63 returns before the newest: not one bar sooner
        assert_twin(real[f"return_{horizon}"][:, asset], twin, warm_up_bars=64)


def test_momentum_equals_its_pandas_twin(real, frames):
    for asset, frame in enumerate(frames):
        log_close = np.log(frame["close"])
        twin = scaled(log_close, log_close.shift(5) - log_close.shift(63), 58)
        assert_twin(real["momentum"][:, asset], twin, warm_up_bars=Momentum().warm_up_bars)


def test_steady_growth_by_hand(toy):
    # every return is g and so is the volatility: h g / (g sqrt h) = sqrt h
    for horizon in (1, 5, 21):
        np.testing.assert_allclose(toy[f"return_{horizon}"][64:, 0], np.sqrt(horizon), rtol=1e-9)
    np.testing.assert_allclose(toy["momentum"][64:, 0], np.sqrt(58), rtol=1e-9)
    # up and down in turn: over 5 bars one move is left
    np.testing.assert_allclose(np.abs(toy["return_5"][64:, 1]), 1 / np.sqrt(5), rtol=1e-9)


def test_a_jump_is_measured_by_the_volatility_before_it(toy):
    # nothing moved before the jump, so it has no unit and counts as 0; the next bar did not move
    assert toy["return_1"][200, 2] == 0.0
    # after it, 63 squared returns of which one is j^2: return 5 bars later is j / (j / sqrt 63 sqrt 5)
    np.testing.assert_allclose(toy["return_5"][204, 2], np.sqrt(63 / 5), rtol=1e-9)


def test_a_bad_horizon_is_named():
    with pytest.raises(ValueError, match=r"horizon_bars must lie in \[1, 63\], was 64"):
        Return(horizon_bars=64)
