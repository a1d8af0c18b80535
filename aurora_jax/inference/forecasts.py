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
        RuntimeError: at run time, if something is not finite or an expected shortfall is not a positive loss.
    """
    x, bound, shortfall = (jnp.asarray(series, float) for series in (returns, value_at_risk, expected_shortfall))
    if x.size == 0 or not x.shape == bound.shape == shortfall.shape:
        raise ValueError(
            "returns, value_at_risk and expected_shortfall must have one entry for each of at least one day, "
            f"had {x.size}, {bound.size} and {shortfall.size}."
        )
    shortfall = eqx.error_if(shortfall, ~jnp.all(shortfall > 0.0), "expected_shortfall must be > 0, a positive loss.")
    bad = ~jnp.all(jnp.isfinite(x) & jnp.isfinite(bound) & jnp.isfinite(shortfall))
    x = eqx.error_if(x, bad, "returns, value_at_risk and expected_shortfall must be finite.")
    return x, bound, shortfall
