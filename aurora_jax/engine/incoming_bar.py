"""A bar before anything is computed from it: its width, and what stands in for numbers that cannot be used."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..core import Bar
from .state import EngineState

PRICES = ("open", "high", "low", "close", "volume")


def check_assets(bar: Bar, assets: int) -> None:
    """Compare a bar's number of assets with the stream's, before anything is computed from it.

    Raises:
        ValueError: if they differ; names the column and both.
    """
    for name in (*PRICES, "imputed"):
        column = getattr(bar, name)
        if column is not None and np.shape(column) != (assets,):
            raise ValueError(
                f"{name} must hold a value for each of the stream's {assets} assets, had shape {np.shape(column)}."
            )


def repaired(name: str, bar: Bar, state: EngineState) -> Array | None:
    """Return a column with values that cannot be used replaced by the last close (volume by 0)."""
    column = getattr(bar, name)
    if column is None:
        return None
    if name == "volume":
        return jnp.where(jnp.isfinite(column) & (column >= 0.0), column, 0.0)
    return jnp.where(jnp.isfinite(column) & (column > 0.0), column, state.close)
