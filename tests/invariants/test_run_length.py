"""The choice of K: the information matrix test by a slow twin, K found where one step is not enough, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aurora_jax.core import Outcome
from aurora_jax.invariants import extremal_index, run_lengths
from tests.statistics import assert_mean

from .samples import (
    assert_no_estimate,
    cauchy_autoregression,
    covered,
    degenerate,
    frechet,
    max_autoregression,
    moving_maximum,
)

STEPS, PATHS, LEVEL, LONGEST = 2048, 50, 0.97, 5
choose_batch = jax.jit(jax.vmap(lambda x, u: run_lengths(x, threshold=u, longest=LONGEST)))
separately = jax.jit(lambda x, u: [extremal_index(x, threshold=u, run_length=k) for k in (0, 2)])
by_hand = jax.jit(lambda x: run_lengths(x, threshold=1.5, longest=5))


def chosen(losses):
    return choose_batch(losses, np.quantile(losses, LEVEL, axis=1))


def slow_information_test(losses, threshold, run_length, theta):
    """White's test with derivatives of the log-likelihood by finite differences."""
    places = np.flatnonzero(losses > threshold)
    spread = places.size / losses.size * np.maximum(np.diff(places) - run_length, 0)

    def log_likelihood(t):
        return np.where(spread > 0, 2 * np.log(t) - t * spread, np.log1p(-t))

    def information_gap(t, h=1e-4):
        first = (log_likelihood(t + h) - log_likelihood(t - h)) / (2 * h)
        second = (log_likelihood(t + h) - 2 * log_likelihood(t) + log_likelihood(t - h)) / h**2
        return first**2 + second, first, second

    gap, score, second = information_gap(theta)
    slope = np.mean(information_gap(theta + 1e-3)[0] - information_gap(theta - 1e-3)[0]) / 2e-3
    return spread.size * np.mean(gap) ** 2 / np.mean((gap + slope / np.mean(second) * score) ** 2)


@pytest.fixture(scope="module")
def negative():
    """AR(1)-Cauchy with phi = -.5: exceedances two steps apart, theta = 3/4, which K = 1 takes for 1."""
    return cauchy_autoregression(-0.5, 3, paths=PATHS, steps=STEPS)


@pytest.mark.slow
def test_each_run_length_is_the_k_gaps_estimate(negative):
    result = chosen(negative)
    both = separately(negative[0], np.quantile(negative[0], LEVEL))
    for k, expected in zip((0, 2), both, strict=True):
        np.testing.assert_allclose(result.estimate.value[0, k], expected.value, rtol=1e-9)
        np.testing.assert_allclose(result.estimate.standard_error[0, k], expected.standard_error, rtol=1e-9)
    np.testing.assert_array_equal(result.run_length[0], np.arange(LONGEST + 1))


@pytest.mark.slow
def test_information_test_against_finite_differences(negative):
    result = chosen(negative)
    for path in range(2):
        threshold = np.quantile(negative[path], LEVEL)
        for k in (2, 4):
            theta = float(result.estimate.value[path, k])
            expected = slow_information_test(negative[path], threshold, k, theta)
            np.testing.assert_allclose(result.test.statistic[path, k], expected, rtol=1e-3)
            np.testing.assert_allclose(
                result.test.p_value[path, k], stats.chi2.sf(result.test.statistic[path, k], 1), rtol=1e-9
            )


@pytest.mark.slow
def test_by_hand():
    # Exceedances at 0, 1, 2 and 7 of 10: K = 5 leaves one cluster and no estimate, so no test either.
    result = by_hand(jnp.array([2.0, 3.0, 2.0, 0.0, 1.0, -1.0, 0.0, 5.0, 0.0, 0.0]))
    assert result.estimate.outcome[5] == Outcome.TOO_SHORT
    assert np.isnan(result.test.p_value[5])
    assert np.all(np.isfinite(result.estimate.value[:5]))
    # K = 0, theta = 1, S = .4 (1, 1, 5): u = 2 - S = (1.6, 1.6, 0), i = 2, d = (.56, .56, -2) of mean -.88 / 3;
    # d' = -2 u i + 4 = (-2.4, -2.4, 4) of mean -.8 / 3, so d - d' / i u = d + .4 / 3 u.
    adjusted = np.array([0.56, 0.56, -2.0]) + 0.4 / 3 * np.array([1.6, 1.6, 0.0])
    np.testing.assert_allclose(result.test.statistic[0], 3 * (0.88 / 3) ** 2 / np.mean(adjusted**2))


def test_finds_the_run_length_where_one_step_is_not_enough(negative):
    result = chosen(negative)
    assert np.mean(result.estimate.value[:, 1]) > 0.97  # the trap in oracles.md: .99 for .75
    assert np.mean(np.asarray(result.chosen) == 2) > 0.85
    assert_mean(result.best.value, 0.75, bias=0.05)  # finite threshold: K = 2 has .72 at .97


def test_independent_losses_need_none():
    result = chosen(frechet(np.random.default_rng(1), (PATHS, STEPS)))
    assert np.mean(np.asarray(result.chosen) == 0) > 0.8
    assert_mean(result.best.value, 1.0, bias=0.02)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("simulate", "parameter", "truth"),
    [
        (max_autoregression, 0.5, 0.5),
        (max_autoregression, 0.8, 0.2),
        (moving_maximum, (0.6, 0.4), 0.6),
        (cauchy_autoregression, 0.5, 0.5),
        (cauchy_autoregression, -0.5, 0.75),
        (cauchy_autoregression, -0.8, 0.36),
    ],
    ids=["armax.5", "armax.8", "maxima.6", "cauchy.5", "cauchy-.5", "cauchy-.8"],
)
def test_recovery_and_coverage(simulate, parameter, truth):
    """Chosen K, level .98, 4,096 steps: 2 % of thresholds' bias; a jackknife of ten blocks covers as Student-t_9."""
    losses = simulate(parameter, 5, paths=400, steps=4096)
    best = choose_batch(losses, np.quantile(losses, 0.98, axis=1)).best
    assert_mean(best.value, truth, bias=0.02)
    assert_mean(covered(best, truth, deviations=2.262), 0.95, bias=0.03)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.1, 10), st.floats(-3, 3))
def test_increasing_maps_change_nothing(scale, shift):
    losses = np.random.default_rng(6).normal(size=(PATHS, STEPS))
    losses[1] = np.exp(scale * losses[0] + shift)
    result = chosen(losses)
    np.testing.assert_array_equal(result.estimate.value[0], result.estimate.value[1])
    assert result.chosen[0] == result.chosen[1]


def test_degenerate_losses_have_an_outcome(negative):
    cases = degenerate(STEPS)
    losses = np.array(negative)
    losses[: len(cases)] = [series for series, _ in cases]
    losses[8, :], losses[9] = 0.0, -np.arange(STEPS)
    losses[8, 7] = 1.0
    losses[10, :] = np.repeat([0.0, 1.0], STEPS // 2)  # one block of exceedances side by side, all in one cluster
    result = choose_batch(losses, np.full(PATHS, 0.5))
    for place, (_, outcome) in enumerate(cases):
        assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result.best), outcome)
    for place in (8, 9):
        assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result.best), Outcome.TOO_SHORT)
    assert result.best.outcome[10] == Outcome.NOT_CONVERGED  # K = 0 is rejected, any other has no estimate
    short = run_lengths(jnp.arange(2.0), threshold=0.0, longest=3)
    assert_no_estimate(short.best, Outcome.TOO_SHORT)
    assert short.estimate.value.shape == (4,)


def test_settings_are_checked():
    with pytest.raises(ValueError, match=r"longest must be at least 0, was -1\."):
        run_lengths(jnp.arange(9.0), threshold=1.0, longest=-1)
    with pytest.raises(ValueError, match=r"significance must lie in \(0, 1\), was 1\.0"):
        run_lengths(jnp.arange(9.0), threshold=1.0, longest=1, significance=1.0)
