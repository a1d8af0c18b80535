"""Features brought to one scale by order statistics, which heavy tails do not move."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class RobustScale(NamedTuple):
    """Where the features of a sample lie and how far they spread; a spread of 0 marks one that does not vary."""

    centre: Float[Array, " features"]
    spread: Float[Array, " features"]

    def __call__(self, sample: Float[Array, "n features"]) -> Float[Array, "n features"]:
        """Return the features in robust standard deviations from the centre; those that do not vary become 0."""
        varies = self.spread > 0.0
        unit = jnp.where(varies, self.spread, 1.0)
        return jnp.where(varies[None, :], (sample - self.centre[None, :]) / unit[None, :], 0.0)


def robust_scale(sample: Float[Array | np.ndarray, "n features"]) -> RobustScale:
    r"""Return the median of each feature, and 1.4826 times its median absolute deviation.

    So a normal feature has its standard deviation as spread. A feature that is mostly one value has 1.2533 times its
    mean absolute deviation instead; one that does not vary beyond rounding has 0.

    Raises:
        ValueError: if there is no row.
        RuntimeError: at run time, if a feature is not finite.

    References:
        Rousseeuw and Croux (1993), J. Am. Stat. Assoc. 88, 1273-1283, eq. 1.2.
    """
    sample = jnp.asarray(sample)
    if sample.shape[0] == 0:
        raise ValueError("a sample must have at least one row, had none.")
    # Finite paths may have signatures that are not: large steps in single precision.
    sample = eqx.error_if(sample, ~jnp.all(jnp.isfinite(sample)), "features must be finite.")
    centre = jnp.median(sample, axis=0)
    size = jnp.abs(sample - centre[None, :])
    # Rounding differs between paths by some units in the last place; scaled up, it would pass for information.
    rounding = 64.0 * jnp.finfo(sample.dtype).eps * jnp.max(jnp.abs(sample), axis=0)
    middle, average = 1.4826 * jnp.median(size, axis=0), 1.2533 * jnp.mean(size, axis=0)
    spread = jnp.where(middle > rounding, middle, average)
    return RobustScale(centre, jnp.where(spread > rounding, spread, 0.0))


def robust_normalised(sample: Float[Array | np.ndarray, "n features"]) -> Float[Array, "n features"]:
    r"""Centre each feature at its median and divide by its spread, both the sample's own; see `robust_scale`.

    $$z = \frac{f - \mathrm{med}(f)}{1.4826 \, \mathrm{med} |f - \mathrm{med}(f)|}$$

    Raises:
        ValueError: if there is no row.
        RuntimeError: at run time, if a feature is not finite.
    """
    sample = jnp.asarray(sample)
    return robust_scale(sample)(sample)
