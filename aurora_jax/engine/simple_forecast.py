"""The forecast that stands in for the student's where decisions have become too slow."""

import jax.numpy as jnp
import scipy.stats
from jaxtyping import Array, Bool, Float

from ..core import Forecast
from ..student import QUANTILES

_DEGREES_OF_FREEDOM = 5.0
# Worked out once: inside the step they would be searched for again at each bar.
_LEVELS = scipy.stats.t.ppf(QUANTILES, _DEGREES_OF_FREEDOM)


def or_simple(full: Forecast, variance: Float[Array, " assets"], *, simple: Bool[Array, ""]) -> Forecast:
    """Return the student's forecast, or the EWMA-t fallback where decisions have become too slow."""
    scale = jnp.sqrt(variance * (1.0 - 2.0 / _DEGREES_OF_FREEDOM))
    return Forecast(
        mean=jnp.where(simple, 0.0, full.mean),
        scale=jnp.where(simple, scale, full.scale),
        degrees_of_freedom=jnp.where(simple, _DEGREES_OF_FREEDOM, full.degrees_of_freedom),
        quantiles=jnp.where(simple, scale[:, None] * _LEVELS[None, :], full.quantiles),
        correlation=full.correlation,
    )
