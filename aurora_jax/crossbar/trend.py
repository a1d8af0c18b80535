"""The momentum of a stream, as the transition's hysteresis reads it."""

import jax.numpy as jnp
from jaxtyping import Array, Float

_TREND_BARS = 21


def trend(returns: Float[Array, " window"]) -> Float[Array, ""]:
    """Return the size of the last month's move in standard deviations of such moves over the window."""
    deviation = jnp.std(returns) * _TREND_BARS**0.5
    return jnp.abs(jnp.sum(returns[-_TREND_BARS:])) / jnp.maximum(deviation, jnp.finfo(float).tiny)
