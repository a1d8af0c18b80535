"""Base and shocked paths on the same random numbers."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import root_key, stream
from ..teacher import NFSDE, simulate_tilted
from .start import Start

_BATCH_PATHS = 1024  # bounds the memory of a call, whatever the number of paths


class WeightedPaths(NamedTuple):
    """Paths of log prices from 0, each with its importance weight (all 1 without a tilt)."""

    log_price: Float[np.ndarray, "paths points assets"]
    weights: Float[np.ndarray, " paths"]
    overflowed: int


def weighted_paths(model: NFSDE, start: Start, *, horizon: int, paths: int, seed: int, tilt: float) -> WeightedPaths:
    """Simulate `paths` paths; the same seed gives every model the same random numbers.

    Raises:
        ValueError: if an argument is out of range; names it.
    """
    for name, value in (("horizon", horizon), ("paths", paths)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, was {value}.")
    blocks = len(start.regimes)
    if blocks < 1 or horizon % blocks:
        raise ValueError(f"horizon must be a multiple of the {blocks} regimes of its blocks, was {horizon}.")
    if not tilt > 0.0:
        raise ValueError(f"tilt must be positive, was {tilt}.")
    root = stream(root_key(seed), "what_if")
    x0 = jnp.concatenate([jnp.zeros(model.assets), jnp.asarray(start.log_volatility)]).astype(model.dtype)
    regimes = jnp.asarray([int(regime) for regime in start.regimes])
    size = min(paths, _BATCH_PATHS)
    parts = []
    for first in range(0, paths, size):
        numbers = jnp.arange(first, first + size)
        parts.append(_batch(model, root, numbers, x0, regimes, jnp.asarray(tilt, model.dtype), horizon))
    price, weight, lost = (np.concatenate([np.asarray(part[i], float) for part in parts])[:paths] for i in range(3))
    return WeightedPaths(price, np.exp(weight), int(np.sum(lost)))


@eqx.filter_jit
def _batch(model: NFSDE, root, numbers: Array, x0, regimes, tilt, horizon: int):
    def one(number):
        path, log_weight = simulate_tilted(
            model, jax.random.fold_in(root, number), x0, regimes, steps=horizon, tilt=tilt
        )
        return path.log_price, log_weight, path.overflowed

    return jax.vmap(one)(numbers)
