"""Slow textbook twins: European calls from characteristic functions, in NumPy, nothing shared with the simulation."""

import math

import numpy as np


def lewis_call(characteristic, *, spot, strike, rate, horizon, upper=200.0, nodes=400):
    """Lewis (2001), eq. 3.11: integrate E exp(i z log(S_T / F)) along Im z = -1/2."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    u, weights = 0.5 * upper * (points + 1.0), 0.5 * upper * weights
    log_forward = math.log(spot / strike) + rate * horizon
    integrand = np.real(np.exp(1j * u * log_forward) * characteristic(u - 0.5j)) / (u**2 + 0.25)
    return spot - math.sqrt(spot * strike) * math.exp(-0.5 * rate * horizon) / math.pi * (weights @ integrand)


def heston(z, *, horizon, initial_variance, long_run_variance, reversion, vol_of_variance, correlation):
    """Albrecher et al. (2007), The little Heston trap, eq. 4: log(S_T / F) at complex argument z."""
    slope = reversion - 1j * correlation * vol_of_variance * z
    root = np.sqrt(slope**2 + vol_of_variance**2 * (1j * z + z**2))
    ratio = (slope - root) / (slope + root)
    decay = np.exp(-root * horizon)
    level = (slope - root) * horizon - 2.0 * np.log((1.0 - ratio * decay) / (1.0 - ratio))
    return np.exp(
        reversion * long_run_variance / vol_of_variance**2 * level
        + initial_variance / vol_of_variance**2 * (slope - root) * (1.0 - decay) / (1.0 - ratio * decay)
    )


def merton_jumps(z, *, horizon, intensity, mean_jump, deviation):
    """Compensated lognormal jumps, E exp(U) - 1 = mean_jump."""
    location = math.log1p(mean_jump) - 0.5 * deviation**2
    jump = np.exp(1j * z * location - 0.5 * deviation**2 * z**2) - 1.0
    return np.exp(intensity * horizon * (jump - 1j * z * mean_jump))


def rough_heston(z, *, horizon, variance, reversion, vol_of_variance, correlation, hurst, steps=300):
    """El Euch and Rosenbaum (2019), eq. 24-25, for v0 = theta: the fractional Riccati equation by Adams' method.

    Predictor and corrector of Diethelm, Ford and Freed (2004), Numerical Algorithms 36, eq. 1.12-1.17.
    """
    order, step = hurst + 0.5, horizon / steps

    def riccati(h):
        return (
            -0.5 * (z**2 + 1j * z)
            + (1j * z * correlation * vol_of_variance - reversion) * h
            + 0.5 * vol_of_variance**2 * h**2
        )

    values = np.zeros((steps + 1, z.size), complex)
    h = np.zeros_like(values)
    values[0] = riccati(h[0])
    for k in range(steps):
        age = k + 1 - np.arange(k + 1)
        predictor = (age**order - (age - 1.0) ** order) * step**order / math.gamma(order + 1.0)
        guess = predictor @ values[: k + 1]
        corrector = (age + 1.0) ** (order + 1.0) - 2.0 * age ** (order + 1.0) + (age - 1.0) ** (order + 1.0)
        corrector[0] = k ** (order + 1.0) - (k - order) * (k + 1.0) ** order
        scale = step**order / math.gamma(order + 2.0)
        h[k + 1] = scale * (corrector @ values[: k + 1] + riccati(guess))
        values[k + 1] = riccati(h[k + 1])
    # variance I^{1-alpha} h + reversion variance int h, and I^{1-alpha} h = int D^alpha h = int riccati(h).
    total = values + reversion * h
    return np.exp(variance * step * (np.sum(total, axis=0) - 0.5 * (total[0] + total[-1])))
