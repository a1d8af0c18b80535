"""The teacher as a market model: it goes on from the volatility and the regime that it reads off the past."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey
from ..teacher import NFSDE, simulate
from ..training import label_blocks
from .rival import AbstractMarketModel, HeldOut

_PATHS_AT_ONCE = 512


class TaughtMarket(AbstractMarketModel):
    """A trained teacher and the readings of volatility over the whole history.

    Attributes:
        model: the teacher.
        smooth_log_volatility: causal smooth of the readings, in the units of the training period; a row for each
            return.
        block_bars: bars of a regime block.
    """

    model: NFSDE
    smooth_log_volatility: Float[np.ndarray, "bars factors"]
    block_bars: int = eqx.field(static=True)

    def simulate(
        self, key: PRNGKey, held_out: HeldOut, *, copies: int
    ) -> Float[np.ndarray, "windows copies bars assets"]:
        """Start from the smoothed reading of the bar before, in the regime of the block before.

        Later blocks of a long window follow the regimes of the blocks further back, the nearest first.
        """
        starts, bars = held_out.starts, held_out.bars
        blocks = -(-bars // self.block_bars)
        steps = blocks * self.block_bars if blocks > 1 else bars
        regimes = np.stack([self._regimes(held_out.returns[:start], blocks) for start in starts])
        path = jnp.asarray(np.repeat(regimes, copies, axis=0))
        volatility = np.repeat(self.smooth_log_volatility[starts - 1], copies, axis=0)
        start = jnp.asarray(volatility, self.model.dtype)
        keys = jax.random.split(key, path.shape[0])
        parts = []
        for first in range(0, path.shape[0], _PATHS_AT_ONCE):
            some = slice(first, first + _PATHS_AT_ONCE)
            parts.append(np.asarray(_paths(self.model, keys[some], start[some], path[some], steps), float))
        return np.concatenate(parts)[:, :bars].reshape(starts.size, copies, bars, -1)

    def _regimes(self, before: Float[np.ndarray, "bars assets"], blocks: int) -> np.ndarray:
        """Return the regimes of as many blocks as asked for: those just before, the last of them first."""
        whole = min(before.shape[0] // self.block_bars, blocks)
        labels = label_blocks(before[-whole * self.block_bars :], block_bars=self.block_bars)
        return np.resize(np.asarray(labels.regime)[::-1], blocks)


@eqx.filter_jit
def _paths(model: NFSDE, keys, volatility: Float[Array, "paths factors"], regimes, steps: int) -> Array:
    def one(key, start, path):
        x0 = jnp.concatenate([jnp.zeros(model.assets, model.dtype), start])
        return jnp.diff(simulate(model, key, x0, path, steps=steps).log_price, axis=0)

    return jax.vmap(one)(keys, volatility, regimes)
