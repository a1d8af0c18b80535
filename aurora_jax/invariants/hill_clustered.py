"""Hill's estimator with an error for losses that come in clusters."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate

from .degenerate import estimate, finite
from .hill import tail_index
from .jackknife import jackknife_error, leave_one_out


def tail_index_clustered(losses: Float[Array, " steps"], *, tail_count: int) -> Estimate:
    """Estimate the tail index by `tail_index`, with a standard error that knows of clusters.

    Large losses of a market come together, and k of them tell less than k independent ones: the error of `tail_index`
    is too small by the square root of about the clusters' size. This one is a jackknife over ten blocks of time, the
    threshold kept.

    Args:
        losses: in order of time, positive numbers are losses.
        tail_count: k, the number of losses above the threshold.

    Returns:
        xi as `tail_index`, with the jackknife's error.

    Raises:
        ValueError: if `tail_count` is less than 2.

    References:
        Hsing (1991), Annals of Statistics 19(3), 1547-1569, on Hill's estimator under dependence; Künsch (1989), same
        journal 17(3), 1217-1241.
    """
    losses = jnp.asarray(losses, float)
    hill = tail_index(losses, tail_count=tail_count)
    if losses.size < tail_count + 1:
        return hill
    series = finite(losses)
    threshold = lax.top_k(series, tail_count + 1)[0][-1]
    exceeds = (series > threshold) & (threshold > 0.0)
    excess = jnp.where(
        exceeds, jnp.log(jnp.where(exceeds, series / jnp.where(threshold > 0.0, threshold, 1.0), 1.0)), 0.0
    )
    sums = leave_one_out(jnp.stack([excess, exceeds.astype(series.dtype)], axis=1))
    error = jackknife_error(jax.vmap(lambda part: part[0] / jnp.maximum(part[1], 1.0))(sums))
    return estimate(hill.value, error, hill.outcome)
