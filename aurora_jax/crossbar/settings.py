"""Settings as array leaves: changing one never recompiles, and a grid of them is one `vmap`."""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, require_x64


def level(value: Number) -> Float[Array, ""]:
    """Return a float64 leaf.

    Raises:
        RuntimeError: if double precision is off.
    """
    require_x64("crossbar")
    return jnp.asarray(value, float)


def count(value: int | np.integer | Int[Array, ""]) -> Int[Array, ""]:
    """Return an integer leaf, e.g. a number of bars."""
    return jnp.asarray(value, int)


def require(holds: Bool[Array, ""], rule: str, *found: Array) -> None:
    """Refuse settings that break `rule`; traced ones cannot be seen and pass.

    Raises:
        ValueError: naming the rule and the values found.
    """
    if any(isinstance(value, Tracer) for value in (holds, *found)):
        return
    if not np.all(np.asarray(holds)):
        raise ValueError(f"{rule}, was {', '.join(f'{float(value):g}' for value in found)}.")
