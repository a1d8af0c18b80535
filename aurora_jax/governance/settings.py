"""Settings as array leaves: changing one never recompiles, and a grid of them is one `vmap`."""

import itertools

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, require_x64


def threshold(value: Number) -> Float[Array, ""]:
    """Return a float64 leaf.

    Raises:
        RuntimeError: if double precision is off.
    """
    require_x64("governance")
    return jnp.asarray(value, float)


def count(value: int | Int[Array, ""]) -> Int[Array, ""]:
    """Return an integer leaf, e.g. a number of bars."""
    require_x64("governance")
    return jnp.asarray(value, int)


def switch(value: bool | Bool[Array, ""]) -> Bool[Array, ""]:
    """Return a boolean leaf."""
    return jnp.asarray(value, bool)


def require_order(**ascending: Array) -> None:
    """Refuse settings that do not ascend in the order given; traced ones cannot be seen and pass.

    Raises:
        ValueError: naming the first contradictory pair and its values.
    """
    known = [(name, value) for name, value in ascending.items() if not isinstance(value, Tracer)]
    for (low_name, low), (high_name, high) in itertools.pairwise(known):
        if not float(low) <= float(high):
            raise ValueError(f"{low_name} must not exceed {high_name}, were {float(low):g} and {float(high):g}.")


def require_within(low: float | int, high: float | int, **values: Array) -> None:
    """Refuse settings outside [low, high]; traced ones cannot be seen and pass.

    Raises:
        ValueError: naming the first setting outside and its value.
    """
    for name, value in values.items():
        if isinstance(value, Tracer):
            continue
        found = np.asarray(value)  # NumPy, so that a check inside jit stays outside the trace
        if not np.all((found >= low) & (found <= high)):
            raise ValueError(f"{name} must lie in [{low:g}, {high:g}], was {found}.")
