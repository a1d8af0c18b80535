"""A window screened and standardised, so that every family sees mean 0 and variance 1."""

from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from aurora_jax.core import Outcome

Series: TypeAlias = Float[Array | np.ndarray, " bars"]
"""One trailing window of returns, oldest first."""


class Window(NamedTuple):
    """Standardised values with what undoes the standardisation.

    Attributes:
        values: mean 0, variance 1; a fixed stand-in series where the outcome is not OK, so that nothing divides by 0.
        location: mean of the window.
        scale: standard deviation of the window, 1 where the outcome is not OK.
        outcome: `Outcome` code: OK, CONSTANT or NON_FINITE.
    """

    values: Float[Array, " bars"]
    location: Float[Array, ""]
    scale: Float[Array, ""]
    outcome: Int[Array, ""]


def standardise(x: Series) -> Window:
    """Screen a window for NaN and lack of variation, then standardise it."""
    x = jnp.asarray(x, float)
    finite = jnp.all(jnp.isfinite(x))
    x = jnp.where(finite, x, 0.0)
    # Dividing by the peak first keeps the squares of very large and very small units inside the range of floats.
    peak = jnp.max(jnp.abs(x))
    unit = x / jnp.where(peak > 0.0, peak, 1.0)
    mean, spread = jnp.mean(unit), jnp.std(unit)
    # A constant leaves rounding noise of about 1e-16 of its level, which must not be taken for variation.
    varies = spread > 1e-12
    usable = finite & varies
    stand_in = jnp.sin(1.0 + jnp.arange(x.size, dtype=float) ** 2)
    return Window(
        values=jnp.where(usable, (unit - mean) / jnp.where(varies, spread, 1.0), stand_in),
        location=jnp.where(usable, peak * mean, 0.0),
        scale=jnp.where(usable, peak * spread, 1.0),
        outcome=jnp.asarray(
            jnp.where(usable, Outcome.OK, jnp.where(finite, Outcome.CONSTANT, Outcome.NON_FINITE)), int
        ),
    )


def lagged(values: Float[Array, " bars"], *, lags: int, start: int) -> Float[Array, "rows lags"]:
    """Return the columns values[t - 1], ..., values[t - lags] for t = start, ..., bars - 1."""
    columns = [values[start - lag : values.size - lag] for lag in range(1, lags + 1)]
    return jnp.stack(columns, axis=1) if columns else jnp.zeros((values.size - start, 0), values.dtype)
