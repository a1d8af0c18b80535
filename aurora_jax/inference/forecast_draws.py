"""Series drawn from forecasts, as the null of a test needs them."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey, require_x64, stream

from .forecasts import Days


def forecast_draws(
    key: PRNGKey, mean: Days, scale: Days, *, degrees_of_freedom: Number = jnp.inf, draws: int
) -> Float[Array, "draws days"]:
    r"""Draw independent series $X_t = m_t + s_t T_\nu$, with normal $T_\infty$.

    Args:
        key: spent here.
        mean: of each day's forecast.
        scale: of each day's forecast; the standard deviation only if normal.
        degrees_of_freedom: nu > 0 of the Student-t, infinite for the normal; known at trace time.
        draws: number of series.

    Raises:
        ValueError: if nu or the number of draws is out of range, or the series differ in length.
        RuntimeError: at run time, if a mean is not finite or a scale is not positive.

    References:
        Bailey (1994), Mathematics of Computation 62(206), 779-781 (Student-t without rejection).
    """
    require_x64("forecast_draws")
    centre, spread = jnp.asarray(mean, float), jnp.asarray(scale, float)
    if centre.shape != spread.shape:
        raise ValueError(f"mean and scale must have the same length, were {centre.size} and {spread.size}.")
    if not degrees_of_freedom > 0:
        raise ValueError(f"degrees_of_freedom must be > 0, was {degrees_of_freedom}.")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, was {draws}.")
    wrong = ~jnp.all(jnp.isfinite(centre) & jnp.isfinite(spread) & (spread > 0.0))
    spread = eqx.error_if(spread, wrong, "mean must be finite and scale > 0.")
    shape = (draws, centre.size)
    if jnp.isinf(degrees_of_freedom):
        return centre[None, :] + spread[None, :] * jr.normal(stream(key, "normal"), shape)
    nu = float(degrees_of_freedom)
    radius = jnp.sqrt(nu * jnp.expm1(2.0 / nu * jr.exponential(stream(key, "radius"), shape)))
    angle = jr.uniform(stream(key, "angle"), shape, maxval=2.0 * math.pi)
    return centre[None, :] + spread[None, :] * radius * jnp.cos(angle)
