"""Jumps taken out: the rule by a slow twin, the likelihood with missing steps by dense matrices, plain H failing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.invariants import hurst_exponent, hurst_truncated, truncate_jumps
from aurora_jax.invariants.hurst_truncated import _fill
from aurora_jax.invariants.truncation import _around
from tests.statistics import assert_mean

from .samples import assert_no_estimate, degenerate, fractional_noise

STEPS, PATHS = 1024, 100
every_batch = jax.jit(jax.vmap(lambda x: (truncate_jumps(x), hurst_truncated(x), hurst_exponent(x))))


def truncate_batch(noise):
    return every_batch(noise)[0]


def estimate_batch(noise):
    return every_batch(noise)[1]


def plain_batch(noise):
    return every_batch(noise)[2]


def with_jumps(noise, *, share=0.01, size=15.0):
    """Jumps of `size` deviations either way on a share of steps."""
    random = np.random.default_rng(2)
    return noise + size * random.choice([-1, 0, 1], noise.shape, p=[share / 2, 1 - share, share / 2])


def slow_twin(increments, *, threshold, window):
    size = np.abs(increments - np.median(increments))
    jump = np.zeros(size.size, bool)
    for _ in range(3):
        found = jump.copy()
        for t in range(size.size):
            products = [
                size[s] * size[s + 1]
                for s in range(max(t - window // 2, 0), min(t + window // 2, size.size - 1))
                if t not in (s, s + 1) and not jump[s] and not jump[s + 1]
            ]
            deviation = np.sqrt(np.pi / 2 * np.mean(products))
            found[t] = size[t] > threshold * deviation
        jump = found
    return jump


@pytest.mark.slow
def test_rule_against_a_slow_twin(key):
    noise = with_jumps(fractional_noise(key, 0.3, paths=PATHS, steps=STEPS))
    result = truncate_batch(noise)
    for path, jump, kept in zip(noise[:2], result.jump[:2], result.increments[:2], strict=True):
        np.testing.assert_array_equal(jump, slow_twin(path, threshold=3.5, window=128))
        np.testing.assert_array_equal(kept, np.where(jump, np.median(path), path))
    assert np.sum(result.jump[:2]) > 10


def test_sums_around_a_step_by_definition():
    values = np.random.default_rng(0).uniform(size=29)  # of the pairs (0, 1), (1, 2), ..., (28, 29)
    expected = [sum(values[s] for s in range(29) if t - 4 <= s < t + 4 and t not in (s, s + 1)) for t in range(30)]
    np.testing.assert_allclose(jax.jit(lambda x: _around(x, 4))(values), expected, atol=1e-12)


@pytest.mark.stat
def test_takes_jumps_and_little_else(key):
    noise = fractional_noise(key, 0.5, paths=PATHS, steps=STEPS)
    noise = noise * np.where(
        np.arange(STEPS) < STEPS // 2, 1.0, 5.0
    )  # a regime of five times the volatility is no jump
    jumps = np.zeros_like(noise)
    jumps[:, 300], jumps[:, 301] = 10.0, -10.0  # side by side, in the calm half
    found = np.asarray(truncate_batch(noise + jumps).jump)
    assert np.all(found[:, 300:302])
    quiet = np.r_[0:230, 370:440, 590:STEPS]  # away from the jumps and the change of regime
    assert_mean(np.mean(found[:, quiet], axis=1), 4.65e-4, bias=4e-4)  # P(|Z| > 3.5), window noise on top


def test_missing_steps_are_filled_with_their_conditional_mean(key):
    """Circular Gaussian vector with covariance C: E[x_M | rest] = -(Q_MM)^-1 Q_MR x_R for its precision Q."""
    steps, missing = 64, np.zeros(64, bool)
    missing[[3, 20, 21, 50]] = True
    precision = np.random.default_rng(0).uniform(0.5, 2.0, 31)
    spectrum = np.r_[0.0, precision, 0.0, precision[::-1]]
    column = np.fft.ifft(spectrum).real
    matrix = np.array([[column[(i - j) % steps] for j in range(steps)] for i in range(steps)])
    noise = np.random.default_rng(1).normal(size=steps)
    inner = matrix[np.ix_(missing, missing)]
    expected = noise.copy()
    expected[missing] = -np.linalg.solve(inner, matrix[np.ix_(missing, ~missing)] @ noise[~missing])
    np.testing.assert_allclose(jax.jit(_fill)(noise, missing, precision), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.1, 0.7])
def test_plain_estimate_fails_and_truncated_recovers(key, hurst):
    noise = fractional_noise(key, hurst, paths=PATHS, steps=STEPS)
    jumpy = with_jumps(noise)
    assert np.abs(np.mean(plain_batch(jumpy).value) - hurst) > 0.1
    result = estimate_batch(jumpy)
    assert np.all(result.outcome == Outcome.OK)
    assert_mean(result.value, hurst, bias=0.006)
    # Nothing to take out: the same as Whittle, but for the one Gaussian step in 2,000 beyond 3.5 deviations.
    assert_mean(np.asarray(estimate_batch(noise).value) - np.asarray(plain_batch(noise).value), 0.0, bias=0.002)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_coverage_with_jumps(key, hurst):
    """Whittle's own coverage where jumps are large; within 10 % of steps' worth of it at H = .05."""
    result = estimate_batch(with_jumps(fractional_noise(key, hurst, paths=400, steps=STEPS)))
    assert_mean(result.value, hurst, bias=0.006)
    covered = np.abs(np.asarray(result.value) - hurst) < 1.96 * np.asarray(result.standard_error)
    assert_mean(covered, 0.95, bias=0.10 if hurst == 0.05 else 0.03)


def test_shift_and_scale_do_not_matter(key):
    noise = with_jumps(fractional_noise(key, 0.3, paths=PATHS, steps=STEPS))
    moved = estimate_batch(-1e-9 * (noise + 5.0))
    np.testing.assert_allclose(moved.value, estimate_batch(noise).value, atol=1e-7)


def test_degenerate_paths_have_an_outcome():
    cases = degenerate(STEPS)
    paths = np.random.default_rng(0).normal(size=(PATHS, STEPS))
    paths[: len(cases)] = [series for series, _ in cases]
    result = estimate_batch(paths)
    for place, (_, outcome) in enumerate(cases):
        assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result), outcome)
    assert np.all(result.outcome[len(cases) :] == Outcome.OK)
    assert_no_estimate(hurst_truncated(jnp.arange(15.0)), Outcome.TOO_SHORT)
    assert_no_estimate(hurst_truncated(jnp.zeros(0)), Outcome.TOO_SHORT)
    assert not np.any(truncate_jumps(jnp.array([1.0, 900.0])).jump)


def test_settings_are_checked():
    with pytest.raises(ValueError, match=r"threshold_deviations must be positive, was 0\.0"):
        truncate_jumps(jnp.arange(9.0), threshold_deviations=0.0)
    with pytest.raises(ValueError, match="window_steps must be even and at least 4, was 5"):
        hurst_truncated(jnp.arange(30.0), window_steps=5)
