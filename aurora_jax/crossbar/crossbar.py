"""The crossbar index of one asset, bar by bar, smoothed."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome

from .index import crossbar_index
from .settings import level, require


class CrossbarState(NamedTuple):
    """What the next bar needs to know.

    Attributes:
        returns: the trailing window, oldest first; zeros until it is full.
        bars: returns admitted so far.
        smoothed: exponential average of the index.
    """

    returns: Float[Array, " window"]
    bars: Int[Array, ""]
    smoothed: Float[Array, ""]


class CrossbarInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        smoothed: exponential average of the index; 0 before the window is full.
        index: of this window alone; 0 where the outcome is not OK.
        outcome: `Outcome` code: WARMING_UP before the window is full, NON_FINITE where this bar's return was refused,
            CONSTANT where the window does not vary.
    """

    smoothed: Float[Array, ""]
    index: Float[Array, ""]
    outcome: Int[Array, ""]


class Crossbar(eqx.Module):
    r"""Keeps one asset's window of returns and averages its crossbar index.

    $$\bar c_t = \bar c_{t-1} + (1 - 2^{-1/h}) (c_t - \bar c_{t-1})$$

    starting at the first index. A window without variation counts as index 0: what cannot be measured is forgotten at
    the half-life, not held. A return that is not finite is refused: window and average stay as they are.

    Attributes:
        window_bars: returns in the window.
        order: (p, q) of the ARMA, p of the AR.
        half_life_bars: h, bars after which an index counts half.
        long_order: lags of the long autoregression of Hannan and Rissanen; None lets it grow with the window.
    """

    window_bars: int = eqx.field(static=True, default=128)
    order: tuple[int, int] = eqx.field(static=True, default=(1, 1))
    half_life_bars: Float[Array, ""] = eqx.field(converter=level, default=8.0)
    long_order: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        p, q = self.order
        if p < 1 or q < 1:
            raise ValueError(f"order must be (p >= 1, q >= 1), was {self.order}.")
        if self.window_bars < 32:
            raise ValueError(f"window_bars must be at least 32 to hold two fits, was {self.window_bars}.")
        require(self.half_life_bars > 0, "half_life_bars must be > 0", self.half_life_bars)

    def init(self) -> CrossbarState:
        """Start with an empty window."""
        return CrossbarState(jnp.zeros(self.window_bars), jnp.zeros((), int), jnp.zeros(()))

    def step(self, state: CrossbarState, value_return: Number) -> tuple[CrossbarState, CrossbarInfo]:
        """Advance one bar given its return (a fraction or a log return; the unit does not matter)."""
        value = jnp.asarray(value_return, float)
        admitted = jnp.isfinite(value)
        moved = jnp.concatenate([state.returns[1:], value[None]])
        returns = jnp.where(admitted, moved, state.returns)
        bars = state.bars + admitted.astype(int)
        found = crossbar_index(returns, order=self.order, long_order=self.long_order)

        full = bars >= self.window_bars
        share = jnp.where(bars == self.window_bars, 1.0, 1.0 - 2.0 ** (-1.0 / self.half_life_bars))
        averaged = state.smoothed + share * (found.value - state.smoothed)
        smoothed = jnp.where(full & admitted, averaged, state.smoothed)
        outcome = jnp.where(full, found.outcome, int(Outcome.WARMING_UP))
        outcome = jnp.where(admitted, outcome, int(Outcome.NON_FINITE))
        index = jnp.where(outcome == Outcome.OK, found.value, 0.0)
        return CrossbarState(returns, bars, smoothed), CrossbarInfo(smoothed, index, outcome)
