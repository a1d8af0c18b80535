"""Features brought to one scale by order statistics, which heavy tails do not move."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def robust_normalised(sample: Float[Array | np.ndarray, "n features"]) -> Float[Array, "n features"]:
    r"""Centre each feature at its median and divide by its median absolute deviation.

    $$z = \frac{f - \mathrm{med}(f)}{1.4826 \, \mathrm{med} |f - \mathrm{med}(f)|}$$

    so that a normal feature has variance one. A feature that is mostly one value is divided by its mean absolute
    deviation instead; one that does not vary beyond rounding becomes 0.

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
    centred = sample - jnp.median(sample, axis=0)[None, :]
    size = jnp.abs(centred)
    # Rounding differs between paths by some units in the last place; scaled up, it would pass for information.
    rounding = 64.0 * jnp.finfo(sample.dtype).eps * jnp.max(jnp.abs(sample), axis=0)
    middle, average = 1.4826 * jnp.median(size, axis=0), 1.2533 * jnp.mean(size, axis=0)
    scale = jnp.where(middle > rounding, middle, average)
    varies = scale > rounding
    return jnp.where(varies[None, :], centred / jnp.where(varies, scale, 1.0)[None, :], 0.0)
