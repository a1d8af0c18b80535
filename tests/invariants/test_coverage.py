"""Whether 1.96 standard errors hold the truth 95 % of the time, for the estimators whose own tests do not ask."""

import jax
import numpy as np
import pytest

from aurora_jax.invariants import extremal_index, extremal_index_intervals, hurst_variogram, hurst_wavelet
from tests.statistics import assert_mean

from .samples import cauchy_autoregression, covered, fractional_noise, max_autoregression, moving_maximum

hurst_batch = jax.jit(jax.vmap(lambda x: (hurst_variogram(x), hurst_wavelet(x))))
clusters_batch = jax.jit(
    jax.vmap(lambda x, u: (extremal_index(x, threshold=u, run_length=1), extremal_index_intervals(x, threshold=u)))
)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_hurst_by_variogram_and_wavelet(key, hurst):
    """Exact covariance for the one, independent coefficients for the other: both within 3 % of 95 %."""
    for result in hurst_batch(fractional_noise(key, hurst, paths=1000, steps=1024)):
        assert_mean(result.value, hurst, bias=0.003)
        assert_mean(covered(result, hurst), 0.95, bias=0.03)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("simulate", "parameter", "truth", "bias"),
    [
        (max_autoregression, 0.5, 0.5, 0.02),
        (max_autoregression, 0.8, 0.2, 0.02),
        (moving_maximum, (0.6, 0.4), 0.6, 0.02),
        (cauchy_autoregression, 0.5, 0.5, 0.03),
    ],
    ids=["armax.5", "armax.8", "maxima.6", "cauchy.5"],
)
def test_extremal_index_by_gaps_and_intervals(simulate, parameter, truth, bias):
    """K-gaps' jackknife of ten blocks covers as Student-t_9; the intervals' delta method takes gaps as independent."""
    losses = simulate(parameter, 11, paths=500, steps=4096)
    gaps, intervals = clusters_batch(losses, np.quantile(losses, 0.98, axis=1))
    assert_mean(gaps.value, truth, bias=0.01)
    assert_mean(covered(gaps, truth, deviations=2.262), 0.95, bias=0.03)
    assert_mean(intervals.value, truth, bias=bias)
    assert_mean(covered(intervals, truth), 0.95, bias=0.05)
