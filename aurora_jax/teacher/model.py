"""The neural fractional SDE."""

from collections.abc import Mapping
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..core import PRNGKey, Regime, stream
from .ablation import WHOLE, Ablation
from .diffusion import PriceDiffusion, price_diffusion
from .drift import StableDrift, stable_drift
from .jumps import HeavyJumps, JumpLaw, heavy_jumps
from .price_roughness import FractionalPrices
from .volatility import FractionalVolatility, fractional_volatility

REGIMES = (Regime.AR, Regime.ARMA, Regime.GARCH)


class NFSDE(eqx.Module):
    r"""A neural fractional SDE of log prices and log-volatility factors $X = (p, v)$.

    $$dX = f(X, z)\,dt + g(X, z)\,dB^{H(z)} + \int J(X, z)\,u\,\tilde N(dt, du)$$

    Price channels are Brownian (Itô, left point) with diffusion $e^{\sum v} L(z)$, volatility factors are fractional
    with additive noise, whose H depends on the regime z. Jumps hit prices, with intensity
    $\lambda_0(z) + \alpha(z)^\top \phi(v)$ plus self-excitation, and marks whose heavy scale is held from bar to bar
    and shared by all assets; they are compensated. Time is in bars.

    Attributes:
        embedding: e_z, one row for each regime.
        drift: f.
        diffusion: L(z).
        volatility: the factors' noise, and leverage.
        jumps: J, u and their intensity.
        price_roughness: fractional prices in place of Brownian ones; None is the market default.
        ablation: parts taken out.
        jumps_per_step: places for jumps in one step; more are reported as overflow.
    """

    embedding: Float[Array, "regimes embedding"]
    drift: StableDrift
    diffusion: PriceDiffusion
    volatility: FractionalVolatility
    jumps: HeavyJumps
    price_roughness: FractionalPrices | None = None
    ablation: Ablation = eqx.field(static=True, default=WHOLE)
    jumps_per_step: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        if self.jumps_per_step < 1:
            raise ValueError(f"jumps_per_step must be at least 1, was {self.jumps_per_step}.")

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
        """Evaluate everything that depends on the regime alone, once for each regime; ablations included."""
        lower = jax.vmap(self.diffusion)(self.embedding)
        market = jnp.sum(lower, axis=1)  # rows of 1' L: how each noise moves the equal-weight basket
        hurst = jax.vmap(self.volatility.hurst)(self.embedding)
        law = jax.vmap(self.jumps.law)(self.embedding)
        if self.ablation.no_rough:
            hurst = jnp.full_like(hurst, 0.5)
        if self.ablation.no_jumps:
            law = eqx.tree_at(lambda tree: (tree.intensity, tree.response), law, replace_fn=jnp.zeros_like)
        return RegimeParameters(
            price_factor=lower,
            market_direction=market / jnp.linalg.norm(market, axis=-1, keepdims=True),
            hurst=hurst,
            volatility_of_volatility=jax.vmap(self.volatility.volatility_of_volatility)(self.embedding),
            leverage=jax.vmap(self.volatility.leverage)(self.embedding),
            jump_law=law,
        )

    @property
    def branching_ratio(self) -> Float[Array, ""]:
        """Return the expected direct offspring of a jump, 0 without self-excitation."""
        ratio = self.jumps.excitation.branching_ratio
        return jnp.zeros_like(ratio) if self.ablation.no_hawkes else ratio


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
    depth: int = 2,
    jumps: Mapping[str, float] | None = None,
    ablation: Ablation = WHOLE,
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
        depth: residual blocks of the drift network.
        jumps: starting values of the jumps, e.g. `{"degrees_of_freedom": 3.0}`; see `jumps.heavy_jumps`.
        ablation: parts taken out.
        volatility_start: starting values for the volatility channel, e.g. `hurst=0.1`.

    Raises:
        ValueError: if `covariance` is not positive definite, or a starting value leaves its range.
    """
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
            depth=depth,
        ),
        diffusion=price_diffusion(stream(key, "diffusion"), covariance, embedding_size=size),
        volatility=fractional_volatility(
            stream(key, "volatility"), factors=factors, embedding_size=size, dtype=dtype, **volatility_start
        ),
        jumps=heavy_jumps(stream(key, "jumps"), factors=factors, embedding_size=size, dtype=dtype, **(jumps or {})),
        ablation=ablation,
    )


def initial_state(model: NFSDE) -> Float[Array, " state"]:
    """Return the state with every log price and log-volatility factor at zero."""
    return jnp.zeros(model.assets + model.factors, model.dtype)
