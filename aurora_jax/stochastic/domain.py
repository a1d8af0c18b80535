"""Where a parameter must lie, refused as early as its value is known."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Shaped

from aurora_jax.core import Number


def refuse_if(value: Float[Array, "..."], wrong: Bool[Array, "..."], rule: str) -> Float[Array, "..."]:
    """Return `value`, refusing it where `wrong`.

    Raises:
        ValueError: at once, if it is known to be wrong.
        RuntimeError: when the traced computation runs, otherwise (under plain `jax.jit`, JAX's own error for it).
    """
    if isinstance(wrong, Tracer):
        return eqx.error_if(value, wrong, f"{rule}.")
    if np.any(wrong):
        raise ValueError(f"{rule}, was {np.asarray(value)[np.asarray(wrong)].ravel()[0]}.")
    return value


def within(
    name: str,
    value: Number | Shaped[Array, "*shape"] | Shaped[np.ndarray, "*shape"],
    low: float,
    high: float = math.inf,
    *,
    low_included: bool = False,
) -> Float[Array, "*shape"]:
    """Return `value` in the default float type, refusing anything outside the interval from `low` to `high`.

    The upper end is always open; the lower end is open unless `low_included`. NaN is outside.

    Raises:
        ValueError: at once, if the value is known (Python, NumPy or a concrete array).
        RuntimeError: when the traced computation runs, otherwise (under plain `jax.jit`, JAX's own error for it).
    """
    # Compared before the conversion: inside jit that would make a tracer of a known number.
    known = value if isinstance(value, Tracer) else np.asarray(value)
    inside = ((known >= low) if low_included else (known > low)) & (known < high)
    rule = f"{name} must lie in {'[' if low_included else '('}{low}, {high})"
    if not isinstance(inside, Tracer) and not np.all(inside):
        raise ValueError(f"{rule}, was {np.asarray(known)[~inside].ravel()[0]}.")
    checked = jnp.asarray(value, float)
    return refuse_if(checked, ~inside, rule) if isinstance(inside, Tracer) else checked


def at_least(name: str, value: int | float, low: int) -> int:
    """Return the static count `value`, refusing less than `low` and anything but whole numbers.

    Raises:
        ValueError: naming the value found.
    """
    if not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be a whole number, was {value}.")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, was {value}.")
    return int(value)
