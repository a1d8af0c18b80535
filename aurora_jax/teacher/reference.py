"""A documented, unfitted teacher, so that scenarios can be made before any data has been seen."""

import jax.numpy as jnp
import jax.random as jr

from .model import NFSDE, initial_model


def reference_teacher(assets: int, *, seed: int = 0) -> NFSDE:
    """Return an unfitted teacher of a stylised daily equity market.

    Every asset has 1.5 % daily volatility and 3 basis points of drift, every pair correlation 0.35; log-volatility has
    H near 0.1 and leverage near -0.5. Fit one to data with `fit` before trusting a tail.

    Args:
        assets: number of assets.
        seed: of the regime embeddings and the drift network.

    Raises:
        ValueError: if `assets` is not positive.
    """
    if assets < 1:
        raise ValueError(f"assets must be at least 1, was {assets}.")
    dtype = jnp.float32
    correlation = 0.35 * jnp.ones((assets, assets), dtype) + 0.65 * jnp.eye(assets, dtype=dtype)
    return initial_model(
        jr.key(seed),
        mean_return=jnp.full(assets, 3e-4, dtype),
        covariance=0.015**2 * correlation,
        hurst=0.1,
        volatility_of_volatility=0.2,
        leverage=-0.5,
    )
