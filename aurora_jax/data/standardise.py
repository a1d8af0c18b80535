"""Features on a common scale, by what they were in training."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

CLIPPING_BOUND = 5.0
"""Standardised values lie in [-CLIPPING_BOUND, CLIPPING_BOUND]."""

_NORMAL_INTERQUARTILE_RANGE = 1.3489795003921634


class Standardiser(eqx.Module):
    """Centre and scale of each feature.

    Attributes:
        center: subtracted.
        scale: divided by, positive.
    """

    center: Float[Array, " features"]
    scale: Float[Array, " features"]

    def apply(self, values: Float[Array | np.ndarray, "*batch features"]) -> Float[Array, "*batch features"]:
        """Return (values - center) / scale, clipped to +-`CLIPPING_BOUND`."""
        center, scale = (jnp.broadcast_to(part, values.shape) for part in (self.center, self.scale))
        return jnp.clip((values - center) / scale, -CLIPPING_BOUND, CLIPPING_BOUND)


def fit_standardiser(values: Float[Array | np.ndarray, "bars assets features"]) -> Standardiser:
    """Return the median of each feature and its interquartile range over 1.349, over bars and assets.

    The range of a normal law is 1.349 standard deviations. A feature of which more than half are equal has no range:
    its standard deviation serves, or 1 if it never varies. Leave the warm-up bars out, and fit on training bars only.

    Raises:
        ValueError: if there is no value or one is not finite; names the feature's index.
    """
    table = np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
    finite = np.isfinite(table).all(axis=0)
    if table.shape[0] == 0 or not finite.all():
        raise ValueError(
            "values hold no bar."
            if table.shape[0] == 0
            else f"values must be finite, those of feature {int(np.argmin(finite))} are not."
        )
    lower, center, upper = np.quantile(table, [0.25, 0.5, 0.75], axis=0)
    scale = (upper - lower) / _NORMAL_INTERQUARTILE_RANGE
    varies = np.ptp(table, axis=0) > 0.0
    scale = np.where(scale > 0.0, scale, np.where(varies, table.std(axis=0), 1.0))
    return Standardiser(jnp.asarray(center), jnp.asarray(scale))
