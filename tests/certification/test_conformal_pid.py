"""Conformal PID: a slow twin, its reduction to quantile tracking, and its bound on any scores."""

import math

import numpy as np
import pytest

from aurora_jax.certification import ConformalPid, QuantileTracking
from tests.certification.online import BARS, adversary, run


def pid_twin(scores, alpha, share, saturation, integral, window):
    tracked, excess, bounds = 0.0, 0.0, []
    for bar, score in enumerate(scores):
        held = scores[max(bar - window, 0) : bar]
        spread = max(held) - min(held) if bar else 0.0
        angle = excess * math.log(bar + 1) / (saturation * (bar + 1))
        pushed = math.copysign(math.inf, angle) if abs(angle) >= math.pi / 2 else integral * spread * math.tan(angle)
        bounds.append(tracked + pushed)
        error = (score > bounds[-1]) - alpha
        tracked += (share * spread if bar else share) * error
        excess += error
    return np.array(bounds)


def test_pid_equals_its_twin():
    scores = adversary("random walk", 300)
    found = run(ConformalPid(saturation=0.2), scores).quantile
    np.testing.assert_allclose(found, pid_twin(scores, 0.1, 0.1, 0.2, 1.0, 100), rtol=1e-9)


def test_pid_without_an_integrator_is_quantile_tracking():
    scores = adversary("random walk", 300)
    without = ConformalPid(integral_share=1e-300, saturation=1e3)
    np.testing.assert_allclose(run(without, scores).quantile, run(QuantileTracking(), scores).quantile)


@pytest.mark.parametrize("kind", ["growing", "shrinking", "alternating", "random walk"])
def test_pid_long_run_bound(kind):
    """Prop. 2 with the tangent: the sum of errors never leaves its saturation by more than one error."""
    missed = np.asarray(run(ConformalPid(), adversary(kind)).missed)
    excess = np.cumsum(missed - 0.1)
    bars = np.arange(1, BARS + 1)
    # The error made at bar t + 1 was bounded by what was known after bar t.
    admissible = 0.5 * 0.5 * np.pi * (bars + 1) / np.log(bars + 1) + 1.0
    assert np.all(np.abs(excess) <= admissible)
