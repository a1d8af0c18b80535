"""Fractional price channels: a configuration, not the market default."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .regime_map import RegimeMap, bounded, unbounded


class FractionalPrices(eqx.Module):
    r"""Prices driven by fractional noise, $dp = \dots + L(z)\, dB^{H(z)}$, additive and the same H for every asset.

    The factors do not scale it: a state-dependent coefficient would need H > 1/3 and Heun. Such prices are predictable
    from their past, so they are for estimators' exams and scenario cells, not for fitting a market.
    """

    roughness: RegimeMap
    hurst_min: float = eqx.field(static=True)
    hurst_max: float = eqx.field(static=True)

    def hurst(self, embedding: Float[Array, " embedding"]) -> Float[Array, ""]:
        """Return the Hurst exponent of prices in this regime."""
        return bounded(self.roughness(embedding)[0], self.hurst_min, self.hurst_max)


def fractional_prices(
    hurst: float, *, embedding_size: int, dtype, hurst_min: float = 0.05, hurst_max: float = 0.95
) -> FractionalPrices:
    """Start at the same `hurst` in every regime.

    Raises:
        ValueError: if `hurst` is not between its bounds.
    """
    if not hurst_min < hurst < hurst_max:
        raise ValueError(f"hurst of prices must lie in ({hurst_min}, {hurst_max}), was {hurst}.")
    offset = unbounded(jnp.full(1, hurst, dtype), hurst_min, hurst_max)
    return FractionalPrices(RegimeMap(jnp.zeros((1, embedding_size), dtype), offset), hurst_min, hurst_max)
