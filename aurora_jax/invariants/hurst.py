"""The Hurst exponent by Whittle's likelihood."""

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.special import zeta

from aurora_jax.core import Estimate, Outcome

from .chebyshev import evaluate, minimise, nodes, operators
from .degenerate import estimate, finite, inspect, no_estimate, unless

_LOWEST, _HIGHEST = 0.01, 0.99
NODES = 40  # the likelihood is analytic in log H: this many Chebyshev nodes give it to 1e-8
SHORTEST = 16
# Nodes are spread in log H: the low frequencies have a pole just left of H = 0, which in H itself would need five times
# the nodes.
_half_width = 0.5 * math.log(_HIGHEST / _LOWEST)


class Tables(NamedTuple):
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


@functools.lru_cache(maxsize=8)
def tables(steps: int) -> Tables:
    """Return the tables for series of that length, computed on the host while the caller is being traced."""
    frequency = 2.0 * np.pi * np.arange(1, (steps - 1) // 2 + 1) / steps
    hurst = _LOWEST * np.exp(_half_width * (1.0 + nodes(NODES)))
    log_density = np.log(spectral_density(hurst[:, None], frequency[None, :]))
    log_density -= np.mean(log_density, axis=1, keepdims=True)
    maps = operators(NODES)
    slope = maps.slope @ (maps.to_coefficients @ log_density) / _half_width
    by_hurst = (np.polynomial.chebyshev.chebvander(nodes(NODES), NODES - 2) @ slope) / hurst[:, None]
    information = np.sum(by_hurst**2, axis=1)
    return Tables(np.exp(-log_density), maps.to_coefficients @ np.log(information))


def centred(increments: Float[Array, " steps"]) -> Float[Array, " steps"]:
    """Return the increments without mean, at most 1 in size."""
    noise = finite(increments)
    noise = noise - jnp.mean(noise)
    largest = jnp.max(jnp.abs(noise))
    return noise / jnp.where(largest > 0.0, largest, 1.0)


def periodogram(noise: Float[Array, " steps"]) -> Float[Array, " frequencies"]:
    """Return the squared Fourier coefficients strictly between frequency 0 and one half."""
    return jnp.abs(jnp.fft.rfft(noise)[1 : (noise.size - 1) // 2 + 1]) ** 2


def likeliest(power: Float[Array, " nodes"]) -> Float[Array, ""]:
    """Return the position in [-1, 1] of the likeliest H, given the periodogram over the density of each node."""
    return minimise(jnp.log(jnp.where(power > 0.0, power, 1.0)))


def report(position: Float[Array, ""], outcome: Int[Array, ""], *, steps: int) -> Estimate:
    """Return the exponent at a position with Fisher's error, unless the position is an end of the interval."""
    outcome = unless(outcome, jnp.abs(position) >= 1.0, Outcome.NOT_CONVERGED)
    log_information = evaluate(jnp.asarray(tables(steps).log_information, position.dtype), position)
    return estimate(_LOWEST * jnp.exp(_half_width * (1.0 + position)), jnp.exp(-0.5 * log_information), outcome)


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
    outcome = inspect(increments, minimum=SHORTEST)
    if increments.size < SHORTEST:
        return no_estimate(outcome)
    inverse_density = jnp.asarray(tables(increments.size).inverse_density, increments.dtype)
    power = inverse_density @ periodogram(centred(increments))
    return report(likeliest(power), outcome, steps=increments.size)
