"""The crossbar index of one asset, bar by bar, smoothed."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome

from ..timeseries import SlidingProductsState
from .index import disagreement
from .settings import level, require
from .windows import TrailingFits, smooth


class CrossbarState(NamedTuple):
    """What the next bar needs to know.

    Attributes:
        window: the trailing returns and the sums of their products.
        smoothed: exponential average of the index.
    """

    window: SlidingProductsState
    smoothed: Float[Array, ""]

    @property
    def returns(self) -> Float[Array, "*batch window"]:
        """The trailing window, oldest first; zeros until it is full."""
        return self.window.values

    @property
    def bars(self) -> Int[Array, "*batch"]:
        """Returns admitted so far."""
        return self.window.bars


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
    the half-life, not held. A return that is not finite, or beyond 1e100, is refused: window and average stay as they
    are.

    Nothing is fitted to the window again: a bar adds a few products to sums (`TrailingFits`). The index equals that of
    `crossbar_index` to 1e-8 of max(1, index) where the window's deviation is above a thousandth of its mean; one that
    varies, or is mispredicted, by less than a millionth of its size counts as without variation.

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
        require(self.half_life_bars > 0, "half_life_bars must be > 0", self.half_life_bars)
        self._fits()

    def init(self) -> CrossbarState:
        """Start with an empty window."""
        return CrossbarState(self._fits().init(), jnp.zeros(()))

    def step(self, state: CrossbarState, value_return: Number) -> tuple[CrossbarState, CrossbarInfo]:
        """Advance one bar given its return (a fraction or a log return; the unit does not matter)."""
        window, readings = self._fits().step(state.window, value_return)
        found = disagreement(readings.simple, readings.full)
        first = window.bars == self.window_bars
        smoothed = smooth(state.smoothed, found.value, readings, first=first, half_life=self.half_life_bars)
        outcome = jnp.where(window.bars >= self.window_bars, found.outcome, int(Outcome.WARMING_UP))
        outcome = jnp.where(readings.admitted, outcome, int(Outcome.NON_FINITE))
        index = jnp.where(outcome == Outcome.OK, found.value, 0.0)
        return CrossbarState(window, smoothed), CrossbarInfo(smoothed, index, outcome)

    def _fits(self) -> TrailingFits:
        return TrailingFits(self.window_bars, self.order, self.long_order)
