"""The teacher's one-step predictive quasi-likelihood, block by block."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .diffusion import log_scale
from .factor_prediction import inverse_lower, predict_factors, whiten
from .model import NFSDE
from .return_filter import Bar, JumpDynamics, log_density_of_returns

_LARGEST_SHOCK = 4.0


class TeacherData(NamedTuple):
    """A real market cut into blocks, each with one regime.

    Attributes:
        returns: log returns of the block's bars.
        log_volatility: readings of the factors that drove those bars, and of the first bar after the block.
        smooth_log_volatility: smooth of the readings of all bars before each bar, and before the bar after the block:
            what is known of the factors when the bar begins.
        regime: `Regime` code of the block.
        error_variance: variance of the readings' error; 0 if the factors are observed exactly.
    """

    returns: Float[Array, "blocks bars assets"]
    log_volatility: Float[Array, "blocks bars_and_one factors"]
    smooth_log_volatility: Float[Array, "blocks bars_and_one factors"]
    regime: Int[Array, " blocks"]
    error_variance: Float[Array, ""]


def log_likelihood(model: NFSDE, data: TeacherData) -> Float[Array, ""]:
    r"""Return the quasi-log-likelihood per bar: volatility readings, and returns given predicted volatility.

    Factors: inside a block the increments of the readings, less their drift, are Gaussian with covariance
    $\nu^2 \Gamma_H + \sigma_e^2 D D^\top$ (fractional noise plus differenced reading error); their one-step
    predictions are those of the Durbin-Levinson recursion, here by a Cholesky factor. The leverage with the bar's
    whitened market return, at most 4 of its deviations where readings are noisy, shifts that prediction. Blocks are
    treated as independent given the reading before them. Nothing that predicts a bar's return knows that bar's reading,
    unless readings are the factor itself.

    Returns: a mixture over 0, 1, 2 jumps in the bar, over nodes of the marks' heavy scale, whose persistence is
    filtered, and over quadrature nodes of the factor's predictive law, or at the reading itself if it has no error;
    see `return_filter`. Approximations: more than two jumps in a bar are neglected, excitation is carried as its
    expectation, the heavy scale lives on a grid, and the drift sees smoothed readings. With intensity 0, H = 1/2,
    no reading error and no smoothing it is the exact Gaussian Euler likelihood; with constant coefficients the
    factors' part is the exact likelihood of fractional noise.

    Raises:
        ValueError: for a teacher with fractional prices, which are for simulation alone.
    """
    if model.price_roughness is not None:
        raise ValueError("a teacher with fractional prices has no likelihood here: fit one with Brownian prices.")
    parameters = model.by_regime()
    bars, assets = data.returns.shape[1:]
    # One inverse per regime, not one triangular solve per block: blocks are many, regimes are three.
    noise = jax.vmap(lambda p: whiten(p, data.error_variance, bars))(parameters)
    unmix = jax.vmap(inverse_lower)(parameters.price_factor)
    exact = data.error_variance == 0.0
    jumps = model.jumps
    dynamics = JumpDynamics(
        jumps.degrees_of_freedom, jumps.mixing.held(1.0), model.branching_ratio, jumps.excitation.decay
    )

    def block(returns, reading, smooth, regime):
        own = jax.tree.map(lambda leaf: leaf[regime], parameters)
        # A reading is made from the bar's own return: only one without error is known when the bar begins.
        known = jnp.where(exact, reading[:-1], smooth[:-1])
        drift_of = jax.vmap(lambda v: model.drift(v, model.embedding[regime]))
        price_drift = drift_of(known)[:, :assets]
        factor_drift = drift_of(jnp.where(exact, known, smooth[1:]))[:, assets:]
        # Whitened by L(z) alone; the volatility that drove the bar is divided out where it is known or integrated.
        white = (returns - price_drift) @ unmix[regime].T
        along = white @ own.market_direction
        surprise = along * jnp.exp(-log_scale(known))
        # What is far beyond a normal is a jump, which has no part in the leverage.
        surprise = jnp.where(exact, surprise, jnp.clip(surprise, -_LARGEST_SHOCK, _LARGEST_SHOCK))
        whitening = jax.tree.map(lambda leaf: leaf[regime], noise)
        prediction = predict_factors(own.leverage, whitening, reading, factor_drift, surprise)
        # So a bar's factor is what was predicted one bar earlier, and the smooth in the first bar of a block.
        latent_variance = jnp.maximum(prediction.variance - data.error_variance, 0.0)
        mean = jnp.where(exact, known, jnp.concatenate([smooth[:1], prediction.mean[:-1]]))
        variance = jnp.where(exact, 0.0, jnp.concatenate([latent_variance[:1], latent_variance[:-1]]))
        bar = Bar(
            squared=jnp.sum(white**2, axis=1),
            along=along,
            mean=jnp.sum(mean, axis=1),
            variance=jnp.sum(variance, axis=1),
            baseline=jax.vmap(own.jump_law.baseline)(known),
        )
        prices = log_density_of_returns(
            own.jump_law, dynamics, bar, assets=assets, without_jumps=model.ablation.no_jumps
        )
        volume = bars * jnp.sum(jnp.log(jnp.diag(own.price_factor)))
        return prices - volume + prediction.log_density

    total = jax.vmap(block)(data.returns, data.log_volatility, data.smooth_log_volatility, data.regime)
    return jnp.mean(total) / bars
