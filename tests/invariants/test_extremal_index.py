"""The extremal index: by hand, a slow twin, and processes whose index is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.invariants import extremal_index, extremal_index_intervals
from tests.statistics import assert_mean

STEPS, PATHS, LEVEL = 4096, 200, 0.98


def both(losses, threshold):
    runs = extremal_index(losses, threshold=threshold, run_length=1)
    return runs, extremal_index_intervals(losses, threshold=threshold)


estimate = jax.jit(both)
estimate_batch = jax.jit(jax.vmap(both))


def frechet(seed):
    return -1 / np.log(np.random.default_rng(seed).uniform(size=(PATHS, STEPS)))


def max_autoregression(share, seed):
    noise = frechet(seed)
    path = noise.copy()
    for t in range(1, STEPS):
        path[:, t] = np.maximum(share * path[:, t - 1], (1 - share) * noise[:, t])
    return path


def moving_maximum(weights, seed):
    noise = frechet(seed)
    return np.max([w * np.roll(noise, lag, axis=1) for lag, w in enumerate(weights)], axis=0)


def measured(path):
    return estimate_batch(jnp.asarray(path), jnp.asarray(np.quantile(path, LEVEL, axis=1)))


# Exceedances at steps 0, 1, 2 and 7 of 10: gaps 1, 1 and 5.
BY_HAND = jnp.array([2.0, 3.0, 2.0, 0.0, 1.0, -1.0, 0.0, 5.0, 0.0, 0.0])


def test_intervals_by_hand():
    # a = (0, 0, 4), b = (-1, -1, 3): 2 * 4**2 / (3 * 12) = 8 / 9
    _, result = estimate(BY_HAND, 1.5)
    np.testing.assert_allclose(result.value, 8 / 9, rtol=1e-12)
    # Influence 2 (a / mean a - 1) - (ab / mean ab - 1) = (-1, -1, 2): 8 / 9 * sqrt(6) / 3.
    np.testing.assert_allclose(result.standard_error, 8 / 9 * np.sqrt(6) / 3, rtol=1e-12)


def test_intervals_by_hand_without_a_long_gap():
    # Exceedances at 0, 2, 3, 5: gaps 2, 1, 2, no shift: 2 * 5**2 / (3 * 9) > 1, hence 1.
    _, result = estimate(jnp.array([2.0, 0.0, 2.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]), 1.5)
    assert result.value == 1.0
    assert result.outcome == Outcome.OK


def k_gaps(total, zero, positive):
    middle = total + zero + 2 * positive
    return (middle - np.sqrt(middle**2 - 8 * positive * total)) / (2 * total)


def test_k_gaps_by_hand():
    # K = 1, rate .4: S = .4 * (0, 0, 4), so 1.6 theta^2 - (1.6 + 2 + 2) theta + 2 = 0.
    theta = (5.6 - np.sqrt(5.6**2 - 4 * 1.6 * 2)) / 3.2
    assert k_gaps(1.6, 2, 1) == theta
    result, _ = estimate(BY_HAND, 1.5)
    np.testing.assert_allclose(result.value, theta, rtol=1e-12)
    # Ten blocks of one step each. Left out: a step without exceedance (rate 4/9), the first exceedance (3/9, no gap
    # lost), one of the two zero gaps (3/9), the only positive gap (theta = 0).
    without = [k_gaps(3 / 9 * 4, 2, 1), *2 * [k_gaps(3 / 9 * 4, 1, 1)], 0.0, *6 * [k_gaps(4 / 9 * 4, 2, 1)]]
    np.testing.assert_allclose(result.standard_error, np.sqrt(9) * np.std(without), rtol=1e-12)
    # K = 0 leaves every gap positive: S = .4 * (1, 1, 5), min(1, 2 * 3 / 2.8) = 1.
    result = extremal_index(BY_HAND, threshold=1.5, run_length=0)
    np.testing.assert_allclose(result.value, 1.0, rtol=1e-12)
    np.testing.assert_allclose(result.standard_error, 1 / np.sqrt(6), rtol=1e-12)
    # K = 5 swallows the last gap: one cluster, and nothing is known about the gaps between clusters.
    assert extremal_index(BY_HAND, threshold=1.5, run_length=5).outcome == Outcome.TOO_SHORT


def test_k_gaps_maximise_the_likelihood():
    """Slow twin: the likelihood on a fine grid, with gaps found by a loop."""
    losses = max_autoregression(0.5, 9)[0]
    threshold = np.quantile(losses, LEVEL)
    places = np.flatnonzero(losses > threshold)
    spread = np.maximum(np.diff(places) - 1, 0) * places.size / STEPS
    zero, positive = np.sum(spread == 0), np.sum(spread > 0)
    grid = np.linspace(1e-4, 1 - 1e-4, 9999)
    likelihood = zero * np.log(1 - grid) + 2 * positive * np.log(grid) - grid * np.sum(spread)
    result, _ = estimate(jnp.asarray(losses), jnp.asarray(threshold))
    np.testing.assert_allclose(result.value, grid[np.argmax(likelihood)], atol=1e-4)


@pytest.mark.stat
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_max_autoregression_clusters(share):
    """X_t = max(a X_{t-1}, (1 - a) Z_t) with Fréchet Z has extremal index 1 - a."""
    runs, intervals = measured(max_autoregression(share, 4))
    assert_mean(runs.value, 1 - share, bias=0.02)  # finite threshold, K = 1
    assert_mean(intervals.value, 1 - share, bias=0.02)


@pytest.mark.stat
def test_errors_are_honest_whatever_the_clusters():
    """Clusters of alternating size make gaps repel each other, autoregression makes them attract."""
    for path in (moving_maximum((0.6, 0.4), 5), max_autoregression(0.5, 5)):
        for result in measured(path):
            np.testing.assert_allclose(np.mean(result.standard_error), np.std(result.value), rtol=0.25)


@pytest.mark.stat
def test_moving_maximum_clusters():
    """A moving maximum with weights that sum to 1 has the largest of them as extremal index."""
    runs, intervals = measured(moving_maximum((0.6, 0.4), 5))
    for result in (runs, intervals):
        assert_mean(result.value, 0.6, bias=0.02)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(("persistence", "truth"), [(0.3, 0.939), (0.5, 0.835), (0.7, 0.721), (0.9, 0.612)])
def test_arch_clusters_as_published(persistence, truth):
    """ARCH(1): de Haan, Resnick, Rootzén and de Vries (1989), at a level of .999."""
    random = np.random.default_rng(6)
    paths, steps, level = 100, 200_000, 0.999
    shocks = random.standard_normal((steps, paths))
    square, path = np.ones(paths), np.empty((steps, paths))
    for t in range(steps):
        path[t] = np.sqrt(1 + persistence * square) * shocks[t]
        square = path[t] ** 2
    losses = path[1000:].T  # one side: the squares cluster more, .73 at .5
    measure = jax.jit(jax.vmap(lambda x, u: extremal_index(x, threshold=u, run_length=3)))
    result = measure(jnp.asarray(losses), jnp.asarray(np.quantile(losses, level, axis=1)))
    assert_mean(result.value, truth, bias=0.03)


@pytest.mark.parametrize(
    ("losses", "outcome"),
    [
        (np.full(STEPS, 3.0), Outcome.CONSTANT),
        (np.r_[np.nan, np.arange(STEPS - 1.0)], Outcome.NON_FINITE),
        (np.r_[np.zeros(STEPS - 1), 9.0], Outcome.TOO_SHORT),
        (-np.arange(float(STEPS)), Outcome.TOO_SHORT),
        (np.arange(2.0), Outcome.TOO_SHORT),
    ],
)
def test_degenerate_losses_have_an_outcome(losses, outcome):
    for result in estimate(jnp.asarray(losses), jnp.asarray(1.0)):
        assert result.outcome == outcome
        assert np.isnan(result.value)
        assert np.isnan(result.standard_error)


def test_negative_run_length_is_named():
    with pytest.raises(ValueError, match=r"run_length must be at least 0, was -1\."):
        extremal_index(BY_HAND, threshold=1.5, run_length=-1)
