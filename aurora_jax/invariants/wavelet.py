"""The Hurst exponent from a log-scale diagram of Haar wavelet coefficients."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import digamma, polygamma

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .log_log import slope_weights

_FEWEST = 4  # coefficients in the coarsest octave
_SHORTEST = 16
_LOWEST, _HIGHEST = 0.01, 0.99


def haar_energies(series: Float[Array, " steps"]) -> tuple[Float[Array, " octaves"], Float[np.ndarray, " octaves"]]:
    """Return the mean squared Haar coefficient of each octave, finest first, and how many coefficients it has.

    What is left over where an octave's length is odd is dropped.
    """
    energies, counts = [], []
    while series.size >= 2 * _FEWEST:
        pairs = series[: series.size // 2 * 2].reshape(-1, 2)
        energies.append(0.5 * jnp.mean((pairs[:, 0] - pairs[:, 1]) ** 2))
        counts.append(float(pairs.shape[0]))
        series = math.sqrt(0.5) * (pairs[:, 0] + pairs[:, 1])
    return jnp.stack(energies), np.array(counts)


def hurst_wavelet(increments: Float[Array, " steps"]) -> Estimate:
    r"""Estimate the Hurst exponent by how wavelet coefficients grow from one octave to the next.

    $$\hat H = \tfrac12(1 + \text{slope of } y_j \text{ on } j), \qquad
      y_j = \log_2 \frac1{n_j}\sum_k d_{j,k}^2 - \frac{\psi(n_j/2) - \log(n_j/2)}{\log 2}$$

    by least squares with weights $1/\mathrm{var}\, y_j$, $\mathrm{var}\, y_j = \psi'(n_j/2) / \log^2 2$. Haar
    coefficients of the increments are second differences of the path at lags $2^{j-1}$, so for fractional Gaussian
    noise $E d_j^2 \propto 2^{j(2H-1)}$ holds at every octave, from the finest on.

    Args:
        increments: the noise itself; mean and scale do not matter.

    Returns:
        H with the standard error that takes coefficients as independent (their correlation is at most 1/6).
        NOT_CONVERGED, with the bound as value, outside [0.01, 0.99]; NaN with TOO_SHORT below 16 steps, CONSTANT
        or NON_FINITE.

    References:
        Abry and Veitch (1998), IEEE Trans. Information Theory 44(1), 2-15; Veitch and Abry (1999), same journal
        45(3), 878-897, eqs. 5-10.
    """
    increments = jnp.asarray(increments, float)
    outcome = inspect(increments, minimum=_SHORTEST)
    if increments.size < _SHORTEST:
        return no_estimate(outcome)
    noise = finite(increments)
    noise = noise - jnp.mean(noise)
    largest = jnp.max(jnp.abs(noise))
    energies, counts = haar_energies(noise / jnp.where(largest > 0.0, largest, 1.0))
    bias = (digamma(0.5 * counts) - np.log(0.5 * counts)) / math.log(2.0)
    variance = polygamma(1, 0.5 * counts) / math.log(2.0) ** 2
    weights = 0.5 * slope_weights(np.arange(1.0, counts.size + 1.0), precision=1.0 / variance)
    logarithm = jnp.log2(jnp.maximum(energies, jnp.finfo(noise.dtype).tiny))
    raw = 0.5 + jnp.asarray(weights, noise.dtype) @ (logarithm - jnp.asarray(bias, noise.dtype))
    value = jnp.clip(raw, _LOWEST, _HIGHEST)
    outcome = unless(outcome, value != raw, Outcome.NOT_CONVERGED)
    standard_error = jnp.asarray(math.sqrt(np.sum(weights**2 * variance)), noise.dtype)
    return estimate(value, standard_error, outcome)
