"""Hurst by Haar wavelets: by hand, the law of coefficients, the printed spread, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from aurora_jax.core import Outcome
from aurora_jax.invariants import hurst_wavelet
from aurora_jax.invariants.wavelet import haar_energies
from tests.statistics import assert_mean

from .samples import assert_no_estimate, degenerate, fractional_noise

STEPS, PATHS = 1024, 400
estimate_batch = jax.jit(jax.vmap(hurst_wavelet))
energies_batch = jax.jit(jax.vmap(lambda series: haar_energies(series)[0]))


def test_energies_by_hand():
    energies, counts = jax.jit(lambda x: haar_energies(x)[0])(np.array([1.0, 3, 2, 2, 0, 4, 5, 1, 9])), (4,)
    # Four pairs, the ninth step dropped: differences -2, 0, -4, 4, halves of their squares 2, 0, 8, 8.
    np.testing.assert_allclose(energies, [4.5])
    assert counts == (4,)


def slow_twin(series):
    series, octave, ordinates, precisions = np.array(series), 0, [], []
    while series.size >= 8:
        octave, count = octave + 1, series.size // 2
        detail = [(series[2 * k] - series[2 * k + 1]) / np.sqrt(2) for k in range(count)]
        series = np.array([(series[2 * k] + series[2 * k + 1]) / np.sqrt(2) for k in range(count)])
        bias = (special.digamma(count / 2) - np.log(count / 2)) / np.log(2)
        ordinates.append(np.log2(np.mean(np.square(detail))) - bias)
        precisions.append(np.log(2) ** 2 / special.zeta(2, count / 2))
    slope, covariance = np.polyfit(np.arange(octave), ordinates, 1, w=np.sqrt(precisions), cov="unscaled")
    return (1 + slope[0]) / 2, np.sqrt(covariance[0, 0]) / 2


def test_against_a_slow_twin():
    """Abry and Veitch's regression, the variance of a logarithm by the Hurwitz zeta function."""
    paths = np.random.default_rng(5).normal(size=(PATHS, STEPS))
    result = estimate_batch(paths)
    twin = np.array([slow_twin(path) for path in paths[:3]])
    np.testing.assert_allclose(result.value[:3], twin[:, 0], rtol=1e-9)
    np.testing.assert_allclose(result.standard_error[:3], twin[:, 1], rtol=1e-9)


@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.1, 0.9])
def test_printed_bias_and_spread(key, hurst):
    """oracles.md: 0 and .04 for a wavelet; Haar may start at the finest octave and does better."""
    noise = fractional_noise(key, hurst, paths=PATHS, steps=STEPS)
    assert_mean(estimate_batch(noise).value, hurst, bias=0.001)
    assert np.std(estimate_batch(noise).value) < 0.03
    # E d_j^2 = 2^(j(2H-1)) (4 - 2^2H) / 2^2H for unit noise, at every octave.
    octave = np.arange(1, 9)
    expected = 2.0 ** (octave * (2 * hurst - 1)) * (4 - 4**hurst) / 4**hurst
    assert_mean(np.asarray(energies_batch(noise)) / expected, 1.0)


@settings(max_examples=10, deadline=None)
@given(st.floats(-1e3, 1e3), st.sampled_from([-7.0, 1e-12, 1e9]))
def test_location_scale_sign_and_direction_of_time_do_not_matter(shift, scale):
    paths = np.random.default_rng(3).normal(size=(PATHS, STEPS))
    paths[1], paths[2] = scale * (paths[0] + shift), paths[0][::-1]  # 1,024 steps: pairs stay pairs
    value = estimate_batch(paths).value
    np.testing.assert_allclose(value[1:3], value[0], atol=1e-7)


def test_degenerate_paths_have_an_outcome():
    cases = degenerate(STEPS)
    paths = np.random.default_rng(0).normal(size=(PATHS, STEPS))
    paths[: len(cases)] = [series for series, _ in cases]
    paths[10], paths[11] = np.cumsum(paths[10]), np.diff(paths[11], n=2, prepend=[0.0, 0.0])
    result = estimate_batch(paths)
    for place, (_, outcome) in enumerate(cases):
        assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result), outcome)
    np.testing.assert_array_equal(result.outcome[10:12], Outcome.NOT_CONVERGED)
    assert np.all(result.outcome[20:] == Outcome.OK)
    assert_no_estimate(hurst_wavelet(jnp.arange(15.0)), Outcome.TOO_SHORT)
    assert_no_estimate(hurst_wavelet(jnp.zeros(0)), Outcome.TOO_SHORT)
