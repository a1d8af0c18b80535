"""Which assets of a bar can be taken in: the shapes must fit, and what is not a number is no bar."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

LARGEST = 1e6
"""Standard deviations of a feature, or log return, beyond which there is no market: it is refused like a NaN."""


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
    """Return the assets that have a bar: observed, and every feature and the return finite and within 1e6.

    One NaN taken in would stay in the asset's memory for ever, and reach the others through the mean over assets. So
    would a number whose square leaves the range of floats.
    """
    # Of what is not a number this is False, too.
    fine = jnp.all(jnp.abs(features) <= LARGEST, axis=-1) & (jnp.abs(returns) <= LARGEST)
    return fine if observed is None else fine & observed
