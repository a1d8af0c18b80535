"""Series from which nothing can be estimated, told apart without raising: one bad path must not stop a batch."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Estimate, Outcome


def code(outcome: Outcome) -> Int[Array, ""]:
    """Return `outcome` as an array."""
    return jnp.asarray(int(outcome), int)


def inspect(series: Float[Array, " steps"], *, minimum: int) -> Int[Array, ""]:
    """Return why `series` cannot be used, or `Outcome.OK`."""
    if series.size < minimum:
        return code(Outcome.TOO_SHORT)
    varies = jnp.where(jnp.max(series) > jnp.min(series), code(Outcome.OK), code(Outcome.CONSTANT))
    return jnp.where(jnp.all(jnp.isfinite(series)), varies, code(Outcome.NON_FINITE))


def unless(outcome: Int[Array, "*batch"], wrong: Bool[Array, "*batch"], reason: Outcome) -> Int[Array, "*batch"]:
    """Return `outcome`, or `reason` where it was OK and something later went `wrong`."""
    return jnp.where((outcome == Outcome.OK) & wrong, code(reason), outcome)


def estimate(
    value: Float[Array, "*batch"], standard_error: Float[Array, "*batch"], outcome: Int[Array, "*batch"]
) -> Estimate:
    """Return the `Estimate`, with NaN for numbers that the outcome says cannot be had."""
    usable = (outcome == Outcome.OK) | (outcome == Outcome.NOT_CONVERGED)
    return Estimate(jnp.where(usable, value, jnp.nan), jnp.where(usable, standard_error, jnp.nan), outcome)


def no_estimate(outcome: Int[Array, ""] | Outcome) -> Estimate:
    """Return an `Estimate` without numbers."""
    return Estimate(jnp.asarray(jnp.nan, float), jnp.asarray(jnp.nan, float), jnp.asarray(outcome, int))


def finite(series: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return `series` with NaN and infinity replaced by 0, so that what follows is defined; `inspect` has seen them."""
    return jnp.where(jnp.isfinite(series), series, 0.0)
