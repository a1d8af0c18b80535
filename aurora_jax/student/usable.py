"""Which assets of a bar can be taken in: the shapes must fit, and what is not a number is no bar."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


def check_shapes(found: Mapping[str, Array | np.ndarray | None], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare the shapes of arrays by name, before anything is computed from them.

    Raises:
        ValueError: if one differs; names it and both shapes.
    """
    for name, array in found.items():
        if array is not None and np.shape(array) != expected[name]:
            raise ValueError(f"{name} must have shape {expected[name]}, had {np.shape(array)}.")


def usable(
    features: Float[Array, "assets features"],
    returns: Float[Array, " assets"],
    observed: Bool[Array, " assets"] | None = None,
) -> Bool[Array, " assets"]:
    """Return the assets that have a bar: observed, and every feature and the return finite.

    One NaN taken in would stay in the asset's memory for ever, and reach the others through the mean over assets.
    """
    fine = jnp.all(jnp.isfinite(features), axis=-1) & jnp.isfinite(returns)
    return fine if observed is None else fine & observed
