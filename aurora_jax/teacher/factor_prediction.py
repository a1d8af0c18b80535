"""One-step predictions of the volatility readings inside a block."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from ..stochastic import fractional_covariance
from .model import RegimeParameters


class FactorPrediction(NamedTuple):
    """One-step predictions of the volatility readings inside a block."""

    mean: Float[Array, "bars factors"]
    variance: Float[Array, "bars factors"]
    log_density: Float[Array, ""]


class Whitening(NamedTuple):
    """The readings' increments in one regime.

    Attributes:
        inverse_factor: inverse Cholesky factor of their covariance.
        innovation: deviation of the factor's own innovation on each bar, given its whole past in the block.
    """

    inverse_factor: Float[Array, "factors bars bars"]
    innovation: Float[Array, "factors bars"]


def inverse_lower(lower: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Return the inverse of a lower-triangular matrix."""
    return solve_triangular(lower, jnp.eye(lower.shape[0], dtype=lower.dtype), lower=True)


def whiten(parameters: RegimeParameters, error_variance: Float[Array, ""], bars: int) -> Whitening:
    r"""Whiten the readings' increments, of covariance $\nu^2 \Gamma_H + \sigma_e^2 D D^\top$, in double precision."""
    dtype = jnp.result_type(float)
    identity = jnp.eye(bars, dtype=dtype)
    neighbours = jnp.eye(bars, k=1, dtype=dtype) + jnp.eye(bars, k=-1, dtype=dtype)
    differenced_error = error_variance.astype(dtype) * (2.0 * identity - neighbours)

    def one(hurst, size):
        fractional = fractional_covariance(jnp.full(bars, hurst.astype(dtype)))
        covariance = size.astype(dtype) ** 2 * fractional + differenced_error
        innovation = size.astype(dtype) * jnp.diagonal(jnp.linalg.cholesky(fractional))
        inverse = inverse_lower(jnp.linalg.cholesky(covariance))
        return Whitening(inverse.astype(hurst.dtype), innovation.astype(hurst.dtype))

    return jax.vmap(one)(parameters.hurst, parameters.volatility_of_volatility)


def predict_factors(
    leverage: Float[Array, ""],
    whitening: Whitening,
    reading: Float[Array, "bars_and_one factors"],
    drift: Float[Array, "bars factors"],
    surprise: Float[Array, " bars"],
) -> FactorPrediction:
    """Predict each reading from those before it in the block, and from the return that shares its innovation.

    Args:
        leverage: correlation of the first factor's innovation with the surprise.
        whitening: of the increments, in the block's regime.
        reading: of the block's bars and of the one after.
        drift: of the factors, at the start of each bar.
        surprise: whitened market return of each bar.
    """
    innovation = jnp.diff(reading, axis=0) - drift
    deviation = 1.0 / jnp.diagonal(whitening.inverse_factor, axis1=1, axis2=2).T
    white = jnp.einsum("fij,jf->if", whitening.inverse_factor, innovation)
    # Only the factor's own innovation is shared with the return; a reading's error, and what it hides of the past, not.
    share = jnp.minimum(whitening.innovation.T / deviation, 1.0)
    first = jnp.arange(share.shape[1]) == 0
    shared = jnp.where(first[None, :], leverage * share, 0.0)
    shift = shared * surprise[:, None]
    remaining = 1.0 - shared**2
    log_density = -0.5 * jnp.sum((white - shift) ** 2 / remaining + jnp.log(2 * jnp.pi * remaining))
    expected = reading[:-1] + drift + innovation - deviation * (white - shift)
    return FactorPrediction(expected, deviation**2 * remaining, log_density - jnp.sum(jnp.log(deviation)))
