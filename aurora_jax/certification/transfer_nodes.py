"""What a stream's causal tail field is about: its assets, or one asset's size, loss and volatility."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

_HALF_LIFE_BARS = 10.0

ONE_ASSET_NODES = ("|return|", "loss", "volatility")
"""Names of the nodes of a stream with one asset."""


def tail_nodes(returns: Float[Array, "steps assets"]) -> Float[Array, "steps nodes"]:
    """Return series of which large values are extreme.

    Several assets: the size of each asset's return. One asset: size, loss, and volatility, the exponential mean of
    sizes with a half-life of 10 bars, up to and including the bar.
    """
    size = jnp.abs(returns)
    if returns.shape[1] > 1:
        return size
    kept = 0.5 ** (1.0 / _HALF_LIFE_BARS)

    def advance(mean, new):
        mean = kept * mean + (1.0 - kept) * new
        return mean, mean

    volatility = lax.scan(advance, size[0], size)[1]
    return jnp.concatenate([size, -returns, volatility], axis=1)


def asked_of(assets: int) -> Bool[np.ndarray, "sources targets"]:
    """Return which edges are worth asking for: none into a volatility, which past sizes make by construction."""
    if assets > 1:
        return np.ones((assets, assets), bool)
    asked = np.ones((3, 3), bool)
    asked[:, 2] = False
    return asked
