"""Windows whose family is known, simulated once."""

import numpy as np
import pytest

BARS = 250
PER_FAMILY = 100


@pytest.fixture(scope="session")
def windows_of_known_family():
    """Return AR(1) windows with phi = 0.6, then GARCH(1,1) windows with (alpha, beta) = (0.25, 0.65)."""
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((2, PER_FAMILY, BARS + 100))
    series = np.zeros_like(noise)
    variance = np.ones(PER_FAMILY)
    for t in range(1, noise.shape[2]):
        series[0, :, t] = 0.6 * series[0, :, t - 1] + noise[0, :, t]
        variance = 0.1 + 0.25 * series[1, :, t - 1] ** 2 + 0.65 * variance
        series[1, :, t] = np.sqrt(variance) * noise[1, :, t]
    return 0.01 * series[0, :, 100:], 0.01 * series[1, :, 100:]
