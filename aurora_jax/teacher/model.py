"""The neural fractional SDE."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..core import PRNGKey, Regime, stream
from .drift import PriceDiffusion, StableDrift, price_diffusion, stable_drift
from .jumps import HeavyJumps, JumpLaw, heavy_jumps
from .volatility import FractionalVolatility, fractional_volatility

REGIMES = (Regime.AR, Regime.ARMA, Regime.GARCH)


class NFSDE(eqx.Module):
    r"""A neural fractional SDE of log prices and log-volatility factors $X = (p, v)$.

    $$dX = f(X, z)\,dt + g(X, z)\,dB^{H(z)} + \int J(X, z)\,u\,\tilde N(dt, du)$$

    Price channels are Brownian (Itô, left point) with diffusion $e^{\sum v} L(z)$; volatility factors are fractional
    with additive noise, whose H depends on the regime z; heavy jumps hit prices and are compensated. Time is in bars.
    """

    embedding: Float[Array, "regimes embedding"]
    drift: StableDrift
    diffusion: PriceDiffusion
    volatility: FractionalVolatility
    jumps: HeavyJumps

    @property
    def assets(self) -> int:
        """Return the number of price channels."""
        return self.diffusion.assets

    @property
    def factors(self) -> int:
        """Return the number of volatility factors."""
        return self.drift.factors

    @property
    def dtype(self):
        """Return the precision of the parameters, in which the model also simulates."""
        return self.embedding.dtype

    def by_regime(self) -> "RegimeParameters":
        """Evaluate everything that depends on the regime alone, once for each regime."""
        lower = jax.vmap(self.diffusion)(self.embedding)
        market = jnp.sum(lower, axis=1)  # rows of 1' L: how each noise moves the equal-weight basket
        return RegimeParameters(
            price_factor=lower,
            market_direction=market / jnp.linalg.norm(market, axis=-1, keepdims=True),
            hurst=jax.vmap(self.volatility.hurst)(self.embedding),
            volatility_of_volatility=jax.vmap(self.volatility.volatility_of_volatility)(self.embedding),
            leverage=jax.vmap(self.volatility.leverage)(self.embedding),
            jump_law=jax.vmap(self.jumps.law)(self.embedding),
        )


class RegimeParameters(NamedTuple):
    """What depends on the regime alone; the leading axis is the regime (or the step, once gathered along a path)."""

    price_factor: Float[Array, "*regimes assets assets"]
    market_direction: Float[Array, "*regimes assets"]
    hurst: Float[Array, "*regimes factors"]
    volatility_of_volatility: Float[Array, "*regimes factors"]
    leverage: Float[Array, "*regimes"]
    jump_law: JumpLaw


def initial_model(
    key: PRNGKey,
    *,
    mean_return: Float[Array, " assets"],
    covariance: Float[Array, "assets assets"],
    factors: int = 1,
    embedding_size: int = 4,
    width: int = 32,
    **volatility_start: float,
) -> NFSDE:
    """Build a model that starts as a Gaussian market with rough volatility and mild jumps, the same in every regime.

    Args:
        key: parent of the streams used here.
        mean_return: mean log return per bar.
        covariance: covariance of log returns per bar.
        factors: number of volatility factors.
        embedding_size: length of a regime embedding.
        width: units per layer of the drift network.
        volatility_start: starting values for the volatility channel, e.g. `hurst=0.1`.

    Raises:
        ValueError: if `covariance` is not positive definite.
    """
    if not bool(jnp.all(jnp.linalg.eigvalsh(covariance) > 0.0)):
        raise ValueError("covariance must be positive definite; drop duplicated or constant assets.")
    dtype = covariance.dtype
    size = embedding_size
    return NFSDE(
        embedding=jr.normal(stream(key, "embedding"), (len(REGIMES), size), dtype),
        drift=stable_drift(
            stream(key, "drift"),
            price_level=mean_return,
            price_bound=0.1 * jnp.sqrt(jnp.diag(covariance)),
            factors=factors,
            embedding_size=size,
            width=width,
        ),
        diffusion=price_diffusion(stream(key, "diffusion"), covariance, embedding_size=size),
        volatility=fractional_volatility(
            stream(key, "volatility"), factors=factors, embedding_size=size, dtype=dtype, **volatility_start
        ),
        jumps=heavy_jumps(stream(key, "jumps"), embedding_size=size, dtype=dtype),
    )


def initial_state(model: NFSDE) -> Float[Array, " state"]:
    """Return the state with every log price and log-volatility factor at zero."""
    return jnp.zeros(model.assets + model.factors, model.dtype)
