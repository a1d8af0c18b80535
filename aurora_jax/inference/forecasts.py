"""Forecasts of value at risk and expected shortfall, screened once for every test and score of them."""

from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number

Days: TypeAlias = Float[Array | np.ndarray, " _"]
"""One number a day, oldest first; series that belong together are checked to be of one length."""


def check_tail_probability(tail_probability: Number) -> None:
    """Refuse a tail probability outside (0, 1).

    Raises:
        ValueError: naming the value found.
    """
    if not 0.0 < tail_probability < 1.0:
        raise ValueError(f"tail_probability must lie in (0, 1), was {tail_probability}.")


def screened(
    returns: Days, value_at_risk: Days, expected_shortfall: Days
) -> tuple[Float[Array, " days"], Float[Array, " days"], Float[Array, " days"]]:
    """Return the three series in double precision.

    Raises:
        ValueError: if there is no day or the series differ in length.
        RuntimeError: at run time, if something is not finite, an expected shortfall is not a positive loss or is below
            its value at risk, or the value at risk is negative on every day.
    """
    x, bound, shortfall = (jnp.asarray(series, float) for series in (returns, value_at_risk, expected_shortfall))
    if x.size == 0 or not x.shape == bound.shape == shortfall.shape:
        raise ValueError(
            "returns, value_at_risk and expected_shortfall must have one entry for each of at least one day, "
            f"had {x.size}, {bound.size} and {shortfall.size}."
        )
    shortfall = eqx.error_if(shortfall, ~jnp.all(shortfall > 0.0), "expected_shortfall must be > 0, a positive loss.")
    shortfall = eqx.error_if(shortfall, jnp.any(shortfall < bound), "expected_shortfall must be >= value_at_risk.")
    # A day may have a negative value at risk; if all have, it is far more likely to be a return than a loss.
    bound = eqx.error_if(bound, jnp.all(bound < 0.0), "value_at_risk is negative on every day: give a loss as > 0.")
    bad = ~jnp.all(jnp.isfinite(x) & jnp.isfinite(bound) & jnp.isfinite(shortfall))
    x = eqx.error_if(x, bad, "returns, value_at_risk and expected_shortfall must be finite.")
    return x, bound, shortfall
