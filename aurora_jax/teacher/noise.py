"""Every random input of a path, drawn before the solver runs."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, stream
from ..stochastic import causal_factor, multifractional_gaussian_noise
from ..stochastic.counter_random import normal_pair, normals, uniform_pair
from .jumps import correlated_marks
from .model import NFSDE, RegimeParameters


class Noise(NamedTuple):
    """Every random input of one path.

    Attributes:
        price: whitened price noise.
        volatility: fractional noise of each factor, of unit size.
        mark: whitened mark of one jump in each step, less its mean.
        jump_uniforms: two for each jump that a step has a place for; no rows without jumps.
    """

    price: Float[Array, "steps assets"]
    volatility: Float[Array, "steps factors"]
    mark: Float[Array, "steps assets"]
    jump_uniforms: Float[Array, "steps places 2"]


def along_path(
    model: NFSDE, regime_path: Int[Array, " blocks"], regime: Int[Array, " steps"], block_steps: int
) -> RegimeParameters:
    """Gather the regimes' parameters along a path, limiting the Hurst exponent's moves between blocks."""
    table = model.by_regime()
    hurst = model.volatility.hurst_path(table.hurst[regime_path])
    gathered = jax.tree.map(lambda leaf: leaf[regime], table)
    return gathered._replace(hurst=jnp.repeat(hurst, block_steps, axis=0, total_repeat_length=regime.shape[0]))


def draw_noise(
    model: NFSDE,
    key: PRNGKey,
    parameters: RegimeParameters,
    regime_path: Int[Array, " blocks"],
    *,
    step_size: float,
) -> Noise:
    """Draw the noise of one path.

    The fractional noise is built causally from its own innovations, which the price's market direction shares in part:
    that is leverage, and it leaves prices unpredictable from past noise.
    """
    steps, assets = parameters.market_direction.shape
    dtype = model.dtype
    innovations = normals(stream(key, "volatility"), steps * model.factors, dtype=dtype).reshape(steps, model.factors)
    # Prices and marks come as a pair: one run of the generator makes both.
    pair = normal_pair(stream(key, "price_and_mark"), steps * assets, dtype=dtype)
    own, mark = (row.reshape(steps, assets) for row in pair)
    # The factor depends on the regimes alone: under a vmap over keys it is worked out once for all paths, in double.
    hurst = parameters.hurst.astype(float)
    factor = jax.vmap(lambda h: causal_factor(h, step_size=step_size), in_axes=1)(hurst).astype(dtype)
    fractional = jnp.einsum("fij,jf->if", factor, innovations)
    if model.price_roughness is None:
        price = _brownian_prices(own, parameters, innovations[:, 0], step_size)
    else:
        price = _fractional_prices(model, stream(key, "price"), regime_path, steps, step_size)
    if model.ablation.no_jumps:
        return Noise(price, fractional, jnp.zeros_like(price), jnp.zeros((steps, 0, 2), dtype))
    mixing = model.jumps.mixing.draw(stream(key, "mixing"), steps=steps, step_size=step_size)
    law = parameters.jump_law
    marks = correlated_marks(mark, law.contagion, parameters.market_direction)
    uniforms = jnp.stack(uniform_pair(stream(key, "jumps"), steps * model.jumps_per_step, dtype=dtype), axis=-1)
    return Noise(
        price,
        fractional,
        (law.scale * jnp.sqrt(mixing))[:, None] * marks,
        uniforms.reshape(steps, model.jumps_per_step, 2),
    )


def _brownian_prices(
    own: Float[Array, "steps assets"],
    parameters: RegimeParameters,
    innovation: Float[Array, " steps"],
    step_size: float,
):
    rho = parameters.leverage
    along = jnp.sum(own * parameters.market_direction, axis=1)
    shared = rho * innovation + (jnp.sqrt(1.0 - rho**2) - 1.0) * along
    return step_size**0.5 * (own + shared[:, None] * parameters.market_direction)


def _fractional_prices(model: NFSDE, key, regime_path, steps: int, step_size: float):
    """Draw coupled multifractional noise for each asset, independent until L(z) mixes it."""
    roughness = model.price_roughness
    assert roughness is not None
    asked = jax.vmap(roughness.hurst)(model.embedding)[regime_path]
    hurst = model.volatility.hurst_path(asked[:, None])[:, 0]
    return jax.vmap(
        lambda k: multifractional_gaussian_noise(
            k, hurst=hurst, block_steps=steps // regime_path.shape[0], step_size=step_size
        ),
        out_axes=1,
    )(jr.split(key, model.assets)).astype(model.dtype)
