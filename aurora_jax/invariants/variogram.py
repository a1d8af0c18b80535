"""The Hurst exponent from second differences of the path."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .log_log import slope_weights

_FILTER = np.array([1.0, -2.0, 1.0])
_LOWEST, _HIGHEST = 0.01, 0.99
_NODES = np.linspace(_LOWEST, _HIGHEST, 25)  # the error is smooth in H: linear interpolation is good to 1e-3 of it


def _filtered_covariance(
    first: int, second: int, shift: Float[np.ndarray, " shifts"], hurst: float
) -> Float[np.ndarray, " shifts"]:
    """Return the covariance of fractional motion's second differences at two lags, `shift` steps apart."""
    corners = np.arange(3)
    apart = first * corners[:, None, None] - second * corners[None, :, None] + shift[None, None, :]
    return -0.5 * np.einsum("q,r,qrk->k", _FILTER, _FILTER, np.abs(apart) ** (2.0 * hurst))


def log_variogram_covariance(steps: int, lags: tuple[int, ...], hurst: float) -> Float[np.ndarray, "lags lags"]:
    r"""Return the covariance of the log variograms of fractional Gaussian noise, to first order in their errors.

    $$\mathrm{cov}(\log V_m, \log V_l) \approx
      \frac{2}{N_m N_l E V_m E V_l} \sum_{s,t} \mathrm{cov}(D_{m,s}, D_{l,t})^2$$
    """
    terms = [steps - 2 * lag + 1 for lag in lags]
    origin = np.zeros(1)
    mean = np.array([_filtered_covariance(lag, lag, origin, hurst)[0] for lag in lags])
    covariance = np.empty((len(lags), len(lags)))
    for i, first in enumerate(lags):
        for j, second in enumerate(lags[: i + 1]):
            shift = np.arange(1 - terms[j], terms[i])
            pairs = np.minimum(terms[i], terms[j] + shift) - np.maximum(0, shift)
            squares = _filtered_covariance(first, second, shift.astype(float), hurst) ** 2
            covariance[i, j] = covariance[j, i] = 2.0 * np.sum(pairs * squares) / (terms[i] * terms[j])
    return covariance / np.outer(mean, mean)


@functools.lru_cache(maxsize=8)
def _errors(steps: int, lags: tuple[int, ...]) -> Float[np.ndarray, " nodes"]:
    """Return the standard error of H at each node, computed on the host while the caller is being traced."""
    weights = 0.5 * slope_weights(np.log(np.array(lags, float)))
    return np.array([np.sqrt(weights @ log_variogram_covariance(steps, lags, hurst) @ weights) for hurst in _NODES])


def hurst_variogram(increments: Float[Array, " steps"], *, lags: tuple[int, ...] = (1, 2, 3, 4)) -> Estimate:
    r"""Estimate the Hurst exponent by how fast second differences of the path grow with their lag.

    $$V_m = \frac1{N_m} \sum_t (X_{t+2m} - 2 X_{t+m} + X_t)^2, \qquad E V_m = \sigma^2 (4 - 2^{2H})\, m^{2H}$$

    so H is half the least-squares slope of log V on log m. Second differences do not see a trend and keep their
    variance summable for every H in (0, 1); the error comes from their exact Gaussian covariance at the estimate.

    Args:
        increments: the noise itself; the path X is their sum from 0.
        lags: m, at least two different ones, in steps.

    Returns:
        H with its standard error. NOT_CONVERGED, with the bound as value, outside [0.01, 0.99]; NaN with TOO_SHORT
        if fewer than four second differences fit at the longest lag, CONSTANT or NON_FINITE.

    Raises:
        ValueError: if there are fewer than two different lags, or one below 1.

    References:
        Istas and Lang (1997), Ann. Inst. H. Poincaré B 33(4), 407-436; Coeurjolly (2001), Statistical Inference for
        Stochastic Processes 4, 199-227.
    """
    if len(set(lags)) < 2 or min(lags) < 1:
        raise ValueError(f"lags must be at least two different steps, each at least 1, were {lags}.")
    increments = jnp.asarray(increments, float)
    shortest = 2 * max(lags) + 3
    outcome = inspect(increments, minimum=shortest)
    if increments.size < shortest:
        return no_estimate(outcome)
    noise = finite(increments)
    largest = jnp.max(jnp.abs(noise))
    path = jnp.cumsum(jnp.concatenate([jnp.zeros_like(noise[:1]), noise / jnp.where(largest > 0.0, largest, 1.0)]))
    power = [jnp.mean((path[2 * m :] - 2.0 * path[m:-m] + path[: -2 * m]) ** 2) for m in lags]
    logarithm = jnp.log(jnp.maximum(jnp.stack(power), jnp.finfo(path.dtype).tiny))
    slope = jnp.asarray(slope_weights(np.log(np.array(lags, float))), path.dtype) @ logarithm
    value = jnp.clip(0.5 * slope, _LOWEST, _HIGHEST)
    outcome = unless(outcome, value != 0.5 * slope, Outcome.NOT_CONVERGED)
    nodes, errors = (jnp.asarray(table, path.dtype) for table in (_NODES, _errors(increments.size, lags)))
    return estimate(value, jnp.interp(value, nodes, errors), outcome)
