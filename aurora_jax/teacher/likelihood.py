"""The teacher's one-step predictive quasi-likelihood, block by block."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Int
from scipy import stats

from ..stochastic import fractional_covariance
from .model import NFSDE, RegimeParameters

MAXIMUM_JUMPS = 2
_MIXING_NODES = 7
_GAUSS_NODES = 5


class TeacherData(NamedTuple):
    """A real market cut into blocks, each with one regime.

    Attributes:
        returns: log returns of the block's bars.
        log_volatility: readings of the factors that drove those bars, and of the first bar after the block.
        smooth_log_volatility: causal smooth of the readings, at which the drift of the factors is evaluated.
        regime: `Regime` code of the block.
        error_variance: variance of the readings' error; 0 if the factors are observed exactly.
    """

    returns: Float[Array, "blocks bars assets"]
    log_volatility: Float[Array, "blocks bars_and_one factors"]
    smooth_log_volatility: Float[Array, "blocks bars factors"]
    regime: Int[Array, " blocks"]
    error_variance: Float[Array, ""]


class FactorPrediction(NamedTuple):
    """One-step predictions of the volatility readings inside a block."""

    mean: Float[Array, "bars factors"]
    variance: Float[Array, "bars factors"]
    log_density: Float[Array, ""]


def log_likelihood(model: NFSDE, data: TeacherData) -> Float[Array, ""]:
    r"""Return the quasi-log-likelihood per bar: volatility readings, and returns given predicted volatility.

    Factors: inside a block the increments of the readings, less their drift, are Gaussian with covariance
    $\nu^2 \Gamma_H + \sigma_e^2 D D^\top$ (fractional noise plus differenced reading error); their one-step
    predictions are those of the Durbin-Levinson recursion, here by a Cholesky factor. The leverage with the bar's
    whitened market return shifts that prediction. Blocks are treated as independent given the reading before them.

    Returns: a mixture over 0, 1, 2 jumps in the bar, over quadrature nodes of the marks' mixing variable and of the
    factor's predictive law, or at the reading itself if it has no error. Approximations: more than two jumps are
    neglected, and the drift sees smoothed readings. With intensity 0, H = 1/2, no reading error and no smoothing it is
    the exact Gaussian Euler likelihood; with constant coefficients the factors' part is the exact likelihood of
    fractional noise.
    """
    parameters = model.by_regime()
    bars = data.returns.shape[1]
    # One inverse per regime, not one triangular solve per block: blocks are many, regimes are three.
    noise = jax.vmap(lambda p: _noise_whitening(p, data.error_variance, bars))(parameters)
    unmix = jax.vmap(_inverse_lower)(parameters.price_factor)
    exact = data.error_variance == 0.0

    def block(returns, reading, smooth, regime):
        own = jax.tree.map(lambda leaf: leaf[regime], parameters)
        drift = jax.vmap(lambda v: model.drift(v, model.embedding[regime]))(smooth)
        price_drift, factor_drift = drift[:, : model.assets], drift[:, model.assets :]
        # Whitened by L(z) alone; the volatility that drove the bar is divided out where it is known or integrated.
        white = (returns - price_drift) @ unmix[regime].T
        # A noisy reading of the bar's own return would all but cancel its size, and blow up a return near 0.
        level = jnp.sum(jnp.where(exact, reading[:-1], smooth), axis=1)
        surprise = (white @ own.market_direction) * jnp.exp(-level)
        whitening = jax.tree.map(lambda leaf: leaf[regime], noise)
        prediction = _predict_factors(own, whitening, reading, factor_drift, surprise)
        # A noisy reading was made from the bar's own returns, which it would count twice: the bar's factor is then what
        # was predicted one bar earlier, and the smooth in the first bar of a block. An exact reading is the factor.
        latent_variance = jnp.maximum(prediction.variance - data.error_variance, 0.0)
        mean = jnp.where(exact, reading[:-1], jnp.concatenate([smooth[:1], prediction.mean[:-1]]))
        variance = jnp.where(exact, 0.0, jnp.concatenate([latent_variance[:1], latent_variance[:-1]]))
        degrees_of_freedom = model.jumps.degrees_of_freedom
        price = jax.vmap(lambda w, m, s: _return_log_density(own, degrees_of_freedom, w, m, s))(
            white, jnp.sum(mean, axis=1), jnp.sum(variance, axis=1)
        )
        return jnp.sum(price) + prediction.log_density

    total = jax.vmap(block)(data.returns, data.log_volatility, data.smooth_log_volatility, data.regime)
    return jnp.mean(total) / bars


def _inverse_lower(lower: Float[Array, "n n"]) -> Float[Array, "n n"]:
    return solve_triangular(lower, jnp.eye(lower.shape[0], dtype=lower.dtype), lower=True)


class Whitening(NamedTuple):
    """The readings' increments in one regime.

    Attributes:
        inverse_factor: inverse Cholesky factor of their covariance.
        innovation: deviation of the factor's own innovation on each bar, given its whole past in the block.
    """

    inverse_factor: Float[Array, "factors bars bars"]
    innovation: Float[Array, "factors bars"]


def _noise_whitening(parameters: RegimeParameters, error_variance, bars: int) -> Whitening:
    """Whiten the readings' increments in one regime; worked out in double precision."""
    dtype = jnp.result_type(float)
    identity = jnp.eye(bars, dtype=dtype)
    neighbours = jnp.eye(bars, k=1, dtype=dtype) + jnp.eye(bars, k=-1, dtype=dtype)
    differenced_error = error_variance.astype(dtype) * (2.0 * identity - neighbours)

    def one(hurst, size):
        fractional = fractional_covariance(jnp.full(bars, hurst.astype(dtype)))
        covariance = size.astype(dtype) ** 2 * fractional + differenced_error
        innovation = size.astype(dtype) * jnp.diagonal(jnp.linalg.cholesky(fractional))
        inverse = _inverse_lower(jnp.linalg.cholesky(covariance))
        return Whitening(inverse.astype(hurst.dtype), innovation.astype(hurst.dtype))

    return jax.vmap(one)(parameters.hurst, parameters.volatility_of_volatility)


def _predict_factors(parameters, whitening, reading, drift, surprise) -> FactorPrediction:
    """Predict each reading from those before it in the block, and from the return that shares its innovation."""
    innovation = jnp.diff(reading, axis=0) - drift
    deviation = 1.0 / jnp.diagonal(whitening.inverse_factor, axis1=1, axis2=2).T
    white = jnp.einsum("fij,jf->if", whitening.inverse_factor, innovation)
    # Only the factor's own innovation is shared with the return; a reading's error, and what it hides of the past, not.
    share = jnp.minimum(whitening.innovation.T / deviation, 1.0)
    first = jnp.arange(share.shape[1]) == 0
    shared = jnp.where(first[None, :], parameters.leverage * share, 0.0)
    shift = shared * surprise[:, None]
    remaining = 1.0 - shared**2
    log_density = -0.5 * jnp.sum((white - shift) ** 2 / remaining + jnp.log(2 * jnp.pi * remaining))
    expected = reading[:-1] + drift + innovation - deviation * (white - shift)
    return FactorPrediction(expected, deviation**2 * remaining, log_density - jnp.sum(jnp.log(deviation)))


def _return_log_density(parameters, degrees_of_freedom, white, log_volatility, variance) -> Float[Array, ""]:
    """Log density of one bar's returns, given the predictive law of the summed log-volatility."""
    dtype = white.dtype
    assets = white.shape[0]
    nodes, weights = np.polynomial.hermite_e.hermegauss(_GAUSS_NODES)
    shift, log_weight = jnp.asarray(nodes, dtype), jnp.asarray(np.log(weights / weights.sum()), dtype)
    centre = log_volatility + jnp.sqrt(variance + 1e-12) * shift
    mixing = _inverse_gamma_nodes(degrees_of_freedom, dtype)
    law = parameters.jump_law
    squared = jnp.sum(white**2)
    along = white @ parameters.market_direction

    def component(jumps: int):
        """Mixture over volatility nodes [v, 1] and mixing nodes [1, w] for a given number of jumps."""
        inflation = 1.0 + jumps * law.scale**2 * mixing
        mean = (jumps - law.intensity) * law.mean
        scale = jnp.exp(-centre)[:, None]
        distance = squared * scale**2 - 2.0 * mean * along * scale + mean**2
        log_scale = centre[:, None] + 0.5 * jnp.log(2 * jnp.pi * inflation)[None, :]
        density = -0.5 * distance / inflation[None, :] - assets * log_scale
        count = jumps * jnp.log(law.intensity + 1e-30) - law.intensity - math.lgamma(jumps + 1.0)
        return logsumexp(density + log_weight[:, None] - math.log(_MIXING_NODES)) + count

    mixture = jnp.stack([component(jumps) for jumps in range(MAXIMUM_JUMPS + 1)])
    volume = jnp.sum(jnp.log(jnp.diag(parameters.price_factor)))
    return logsumexp(mixture) - volume


def _inverse_gamma_nodes(degrees_of_freedom: Float[Array, ""], dtype) -> Float[Array, " nodes"]:
    r"""Return equally probable nodes of $w \sim \mathrm{InvGamma}(\nu/2, \nu/2)$, differentiable in nu.

    By the Wilson-Hilferty cube-root approximation of the chi-square quantile at the midpoints of equal slices.
    """
    middle = (np.arange(_MIXING_NODES) + 0.5) / _MIXING_NODES
    z = jnp.asarray(stats.norm.isf(middle), dtype)
    ratio = 2.0 / (9.0 * degrees_of_freedom)
    chi_square_share = (1.0 - ratio + z * jnp.sqrt(ratio)) ** 3
    return 1.0 / jnp.maximum(chi_square_share, 0.02)
