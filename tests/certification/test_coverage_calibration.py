import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.certification import CoverageCalibration


def test_bcc_by_hand():
    # alpha = 1/4: coverage 1, 1/2, 2/3, 3/4, then (the first cover drops) 3/4 of False True True True
    calibration = CoverageCalibration(miscoverage=0.25, window_bars=4)
    covered = jnp.array([True, False, True, True, True])
    _, info = jax.lax.scan(calibration.step, calibration.init(), covered)
    np.testing.assert_allclose(info.coverage, [1, 1 / 2, 2 / 3, 3 / 4, 3 / 4])
    np.testing.assert_allclose(info.bcc, [0, 0, 2 / 3, 1, 1], atol=1e-12)
    assert info.bars.tolist() == [1, 2, 3, 4, 4]


def test_equals_the_trailing_mean(key):
    covered = jr.bernoulli(key, 0.8, (90,))
    calibration = CoverageCalibration(window_bars=25)
    _, info = jax.lax.scan(calibration.step, calibration.init(), covered)
    for bar in range(90):
        trailing = np.mean(np.asarray(covered)[max(0, bar - 24) : bar + 1])
        assert float(info.coverage[bar]) == pytest.approx(trailing)
        assert float(info.bcc[bar]) == pytest.approx(1 - min(1, abs(trailing - 0.9) / 0.1), abs=1e-12)


def test_window_must_hold_a_bar():
    with pytest.raises(ValueError, match="was 0"):
        CoverageCalibration(window_bars=0)
