"""Processes whose invariants are known in closed form, and series from which nothing can be estimated."""

import jax
import numpy as np

from aurora_jax.core import Outcome, stream
from aurora_jax.stochastic import fractional_gaussian_noise

_simulate = jax.jit(
    jax.vmap(
        lambda key, hurst, like: fractional_gaussian_noise(key, hurst=hurst, steps=like.size), in_axes=(0, None, None)
    )
)


def fractional_noise(key, hurst, *, paths, steps):
    return np.asarray(_simulate(jax.random.split(stream(key, str(hurst)), paths), hurst, np.zeros(steps)))


def frechet(random, shape):
    return -1 / np.log(random.uniform(size=shape))


def max_autoregression(share, seed, *, paths, steps):
    """X_t = max(a X_{t-1}, (1 - a) Z_t): extremal index 1 - a."""
    noise = frechet(np.random.default_rng(seed), (steps, paths))
    path = noise.copy()
    for t in range(1, steps):
        path[t] = np.maximum(share * path[t - 1], (1 - share) * noise[t])
    return path.T


def moving_maximum(weights, seed, *, paths, steps):
    """Weights that sum to 1: the extremal index is the largest."""
    noise = frechet(np.random.default_rng(seed), (paths, steps))
    return np.max([w * np.roll(noise, lag, axis=1) for lag, w in enumerate(weights)], axis=0)


def cauchy_autoregression(slope, seed, *, paths, steps):
    """X_t = phi X_{t-1} + Cauchy: extremal index 1 - phi for phi > 0, 1 - phi^2 for phi < 0."""
    noise = np.random.default_rng(seed).standard_cauchy((steps + 200, paths))
    path = noise.copy()
    for t in range(1, steps + 200):
        path[t] = slope * path[t - 1] + noise[t]
    return path[200:].T


def arch(persistence, seed, *, paths, steps):
    """X_t = sqrt(1 + lambda X_{t-1}^2) Z_t, Kesten: E (lambda Z^2)^(kappa / 2) = 1 gives the tail exponent kappa."""
    shocks = np.random.default_rng(seed).standard_normal((steps + 1000, paths))
    path, square = np.empty_like(shocks), np.ones(paths)
    for t in range(steps + 1000):
        path[t] = np.sqrt(1 + persistence * square) * shocks[t]
        square = path[t] ** 2
    return path[1000:].T


def student_pairs(degrees, correlation, seed, *, paths, steps):
    """Two Student-t series [2, paths, steps] with one mixing variable a time."""
    random = np.random.default_rng(seed)
    normal = random.standard_normal((2, paths, steps))
    normal[1] = correlation * normal[0] + np.sqrt(1 - correlation**2) * normal[1]
    return normal / np.sqrt(random.chisquare(degrees, (paths, steps)) / degrees)


def gumbel_pairs(theta, seed, *, paths, steps):
    """Two series of uniforms with a Gumbel copula, by a positive stable frailty: tail dependence 2 - 2^(1 / theta)."""
    random, index = np.random.default_rng(seed), 1 / theta
    angle, waiting = np.pi * random.uniform(size=(paths, steps)), random.exponential(size=(paths, steps))
    frailty = np.sin(index * angle) / np.sin(angle) ** (1 / index)
    frailty *= (np.sin((1 - index) * angle) / waiting) ** ((1 - index) / index)
    return np.exp(-((random.exponential(size=(2, paths, steps)) / frailty) ** index))


def degenerate(steps):
    """Series of one length and the outcome of each."""
    return [
        (np.full(steps, 0.1), Outcome.CONSTANT),
        (np.r_[np.nan, np.arange(steps - 1.0)], Outcome.NON_FINITE),
        (np.r_[np.arange(steps - 1.0), np.inf], Outcome.NON_FINITE),
    ]


def assert_no_estimate(result, outcome):
    assert result.outcome == outcome
    assert np.isnan(result.value)
    assert np.isnan(result.standard_error)


def covered(result, truth, *, deviations=1.96):
    return np.abs(np.asarray(result.value) - truth) < deviations * np.asarray(result.standard_error)
