"""How per-asset numbers become one number for the stream."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real


def weighted_mean(values: Float[Array, "assets ..."], weights: Float[Array, " assets"]) -> Float[Array, "..."]:
    """Return the mean over assets weighted by |weight|; all weights zero counts every asset equally."""
    size = jnp.abs(weights)
    total = jnp.sum(size)
    share = jnp.where(total > 0.0, size / jnp.where(total > 0.0, total, 1.0), 1.0 / weights.shape[0])
    return jnp.tensordot(share, values, axes=1)


def worst(values: Real[Array, " assets"], *, share: float, high_is_bad: bool) -> Real[Array, ""]:
    """Return the value that the worst `share` of the assets reach; for few assets, the single worst.

    A basket's guards would be raised nearly always if each looked at its single worst asset of many.
    """
    assets = values.shape[0]
    rank = max(math.ceil(share * assets) - 1, 0)
    ascending = jnp.sort(values)
    return ascending[assets - 1 - rank] if high_is_bad else ascending[rank]


def in_worst_share(flags: Bool[Array, " assets"], *, share: float) -> Bool[Array, ""]:
    """Return True where at least the worst `share` of the assets are flagged, and at least one."""
    needed = max(math.ceil(share * flags.shape[0]), 1)
    return jnp.sum(flags) >= needed


def chosen(flag, new, old):
    """Choose between two pytrees; a flag per asset is spread over the trailing axes."""
    return jax.tree.map(lambda a, b: jnp.where(flag.reshape(flag.shape + (1,) * (a.ndim - flag.ndim)), a, b), new, old)
