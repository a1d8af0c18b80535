"""Regime labels of a real market: BIC weights block by block."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..router import family_weights
from ..teacher import REGIMES


class BlockLabels(NamedTuple):
    """Labels of consecutive blocks, oldest first.

    Attributes:
        weights: BIC weights of AR, ARMA, GARCH, averaged over assets.
        regime: `Regime` code of the heaviest.
    """

    weights: Float[Array, "blocks families"]
    regime: Int[Array, " blocks"]


def shares_of(regime: Int[Array | np.ndarray, " blocks"]) -> Float[Array, " regimes"]:
    """Return how often each regime labels a block, one block of each added: one that never did may still come."""
    counts = np.bincount(np.asarray(regime), minlength=len(REGIMES))
    return jnp.asarray((counts + 1.0) / (counts + 1.0).sum())


def label_blocks(returns: Float[np.ndarray, "bars assets"], *, block_bars: int) -> BlockLabels:
    """Cut a market into blocks and label each by the family that explains its assets best.

    Raises:
        ValueError: if there is not one whole block.
    """
    bars, assets = returns.shape
    blocks = bars // block_bars
    if blocks < 1:
        raise ValueError(f"{bars} bars hold no block of {block_bars}: use a longer history or shorter blocks.")
    cut = returns[: blocks * block_bars].reshape(blocks, block_bars, assets)
    weights = family_weights(np.moveaxis(cut, 1, 2).reshape(blocks * assets, block_bars)).weights
    mean = jnp.mean(weights.reshape(blocks, assets, -1), axis=1)
    return BlockLabels(mean, jnp.argmax(mean, axis=1))
