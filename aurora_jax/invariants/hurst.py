"""The Hurst exponent by Whittle's likelihood."""

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev
from scipy.special import zeta

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless

_LOWEST, _HIGHEST = 0.01, 0.99
_NODES = 40  # the likelihood is analytic in log H: this many Chebyshev nodes give it to 1e-8
_GRID = 129
_NEWTON_STEPS = 5
_SHORTEST = 16


class _Tables(NamedTuple):
    """What does not depend on the data, at Chebyshev nodes in H.

    Attributes:
        inverse_density: 1 / f at each node and frequency, f scaled to geometric mean 1.
        log_information: logarithm of Fisher's information on H, as Chebyshev coefficients.
    """

    inverse_density: Float[np.ndarray, "nodes frequencies"]
    log_information: Float[np.ndarray, " nodes"]


def spectral_density(hurst: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    r"""Return the spectral density of fractional Gaussian noise up to a factor that depends on H only.

    $$f(\lambda) \propto (1 - \cos\lambda) \sum_{j} |\lambda + 2\pi j|^{-2H-1}$$

    The sum over all integers is two Hurwitz zeta functions.
    """
    turn = frequency / (2.0 * np.pi)
    return (1.0 - np.cos(frequency)) * (zeta(2.0 * hurst + 1.0, turn) + zeta(2.0 * hurst + 1.0, 1.0 - turn))


_node_positions = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
_to_coefficients = np.linalg.inv(chebyshev.chebvander(_node_positions, _NODES - 1))
_grid_positions = np.linspace(-1.0, 1.0, _GRID)
_on_grid = chebyshev.chebvander(_grid_positions, _NODES - 1)
_derivative = chebyshev.chebder(np.eye(_NODES), axis=0)
# Nodes and grid are spread in log H: the low frequencies have a pole just left of H = 0, which in H itself would
# need five times the nodes.
_half_width = 0.5 * math.log(_HIGHEST / _LOWEST)


@functools.lru_cache(maxsize=8)
def _tables(steps: int) -> _Tables:
    """Return the tables for series of that length, computed on the host while the caller is being traced."""
    frequency = 2.0 * np.pi * np.arange(1, (steps - 1) // 2 + 1) / steps
    hurst = _LOWEST * np.exp(_half_width * (1.0 + _node_positions))
    log_density = np.log(spectral_density(hurst[:, None], frequency[None, :]))
    log_density -= np.mean(log_density, axis=1, keepdims=True)
    slope = _derivative @ (_to_coefficients @ log_density) / _half_width
    by_hurst = (chebyshev.chebvander(_node_positions, _NODES - 2) @ slope) / hurst[:, None]
    information = np.sum(by_hurst**2, axis=1)
    return _Tables(np.exp(-log_density), _to_coefficients @ np.log(information))


def _evaluate(coefficients: Float[Array, " terms"], position: Float[Array, ""]) -> Float[Array, ""]:
    """Return a Chebyshev series at a position in [-1, 1]."""
    orders = jnp.arange(coefficients.shape[0], dtype=coefficients.dtype)
    return coefficients @ jnp.cos(orders * jnp.arccos(position))


def hurst_exponent(increments: Float[Array, " steps"]) -> Estimate:
    r"""Estimate the Hurst exponent of fractional Gaussian noise by Whittle's likelihood, the scale profiled out.

    $$\hat H = \arg\min_H \log\Bigl(\frac1m \sum_{k=1}^m \frac{I(\lambda_k)}{f_H(\lambda_k)}\Bigr)
               + \frac1m \sum_{k=1}^m \log f_H(\lambda_k), \qquad \lambda_k = 2\pi k/n$$

    over [0.01, 0.99]. One matrix product gives the objective at 40 Chebyshev nodes in log H and hence, as it
    is analytic there, everywhere; its minimum is found on a grid of 129 and polished by Newton's method.

    Args:
        increments: the noise itself, not its cumulated path; mean and scale do not matter.

    Returns:
        H and its asymptotic standard error $(\sum_k (\partial_H \log f(\lambda_k) - \text{mean})^2)^{-1/2}$, which
        assumes Gaussian increments. NOT_CONVERGED, with the bound as value, if the best H is the end of the
        interval; NaN with TOO_SHORT below 16 steps, CONSTANT or NON_FINITE.

    References:
        Fox and Taqqu (1986), Annals of Statistics 14(2), 517-532; Beran (1994), Statistics for Long-Memory Processes,
        section 6.1.
    """
    increments = jnp.asarray(increments, float)
    outcome = inspect(increments, minimum=_SHORTEST)
    if increments.size < _SHORTEST:
        return no_estimate(outcome)
    tables = _tables(increments.size)
    dtype = increments.dtype

    centred = finite(increments)
    centred = centred - jnp.mean(centred)
    largest = jnp.max(jnp.abs(centred))
    centred = centred / jnp.where(largest > 0.0, largest, 1.0)
    periodogram = jnp.abs(jnp.fft.rfft(centred)[1 : tables.inverse_density.shape[1] + 1]) ** 2
    power = jnp.asarray(tables.inverse_density, dtype) @ periodogram
    objective = jnp.asarray(_to_coefficients, dtype) @ jnp.log(jnp.where(power > 0.0, power, 1.0))

    best = jnp.argmin(jnp.asarray(_on_grid, dtype) @ objective)
    positions = jnp.asarray(_grid_positions, dtype)
    low, high = positions[jnp.maximum(best - 1, 0)], positions[jnp.minimum(best + 1, _GRID - 1)]
    slope = jnp.asarray(_derivative, dtype) @ objective
    curvature = jnp.asarray(chebyshev.chebder(_derivative, axis=0), dtype) @ objective
    position = positions[best]
    for _ in range(_NEWTON_STEPS):
        bend = _evaluate(curvature, position)
        step = _evaluate(slope, position) / jnp.where(bend > 0.0, bend, jnp.inf)
        position = jnp.clip(position - step, low, high)

    outcome = unless(outcome, jnp.abs(position) >= 1.0, Outcome.NOT_CONVERGED)
    log_information = _evaluate(jnp.asarray(tables.log_information, dtype), position)
    return estimate(_LOWEST * jnp.exp(_half_width * (1.0 + position)), jnp.exp(-0.5 * log_information), outcome)
