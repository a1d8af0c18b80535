"""The fractional volatility channels: roughness, size and leverage by regime."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .regime_map import RegimeMap, bounded, inverse_softplus, regime_map, unbounded

_LEVERAGE_BOUND = 0.95


class FractionalVolatility(eqx.Module):
    r"""Additive fractional noise of the volatility factors, $dv = \dots + \nu(z)\, dB^{H(z)}$.

    H(z) lies in [hurst_min, hurst_max] and moves by at most `hurst_step_max` from one block to the next.
    The first factor's innovations have correlation `leverage(z)` with the market direction of the price noise.
    """

    roughness: RegimeMap
    size: RegimeMap
    correlation: RegimeMap
    hurst_min: float = eqx.field(static=True)
    hurst_max: float = eqx.field(static=True)
    hurst_step_max: float = eqx.field(static=True)

    def __check_init__(self):
        if not 0.0 < self.hurst_min < self.hurst_max < 1.0:
            raise ValueError(f"need 0 < hurst_min < hurst_max < 1, were {self.hurst_min} and {self.hurst_max}.")
        if not self.hurst_step_max > 0.0:
            raise ValueError(f"hurst_step_max must be positive, was {self.hurst_step_max}.")

    def hurst(self, embedding: Float[Array, " embedding"]) -> Float[Array, " factors"]:
        """Return the Hurst exponent of each factor in this regime, before the block-to-block limit."""
        return bounded(self.roughness(embedding), self.hurst_min, self.hurst_max)

    def volatility_of_volatility(self, embedding: Float[Array, " embedding"]) -> Float[Array, " factors"]:
        """Return nu(z), the standard deviation of one bar's factor increment."""
        return jnp.logaddexp(self.size(embedding), 0.0)

    def leverage(self, embedding: Float[Array, " embedding"]) -> Float[Array, ""]:
        """Return the correlation of volatility innovations with the market's price noise."""
        return _LEVERAGE_BOUND * jnp.tanh(self.correlation(embedding)[0])

    def hurst_path(self, asked: Float[Array, "blocks factors"]) -> Float[Array, "blocks factors"]:
        """Follow the Hurst exponents asked for, moving at most `hurst_step_max` per block."""

        def follow(before, target):
            after = jnp.clip(target, before - self.hurst_step_max, before + self.hurst_step_max)
            return after, after

        return lax.scan(follow, asked[0], asked)[1]


def fractional_volatility(
    key: PRNGKey,
    *,
    factors: int,
    embedding_size: int,
    hurst: float = 0.15,
    volatility_of_volatility: float = 0.15,
    leverage: float = -0.3,
    hurst_min: float = 0.05,
    hurst_max: float = 0.95,
    hurst_step_max: float = 0.2,
    dtype=jnp.float32,
) -> FractionalVolatility:
    """Start with the same roughness, size and leverage in every regime."""

    def start(name, value):
        offset = jnp.full(1 if name == "correlation" else factors, value, dtype)
        return regime_map(stream(key, name), offset, embedding_size=embedding_size, spread=0.02)

    return FractionalVolatility(
        roughness=start("roughness", unbounded(jnp.asarray(hurst, dtype), hurst_min, hurst_max)),
        size=start("size", inverse_softplus(jnp.asarray(volatility_of_volatility, dtype))),
        correlation=start("correlation", jnp.arctanh(jnp.asarray(leverage / _LEVERAGE_BOUND, dtype))),
        hurst_min=hurst_min,
        hurst_max=hurst_max,
        hurst_step_max=hurst_step_max,
    )
