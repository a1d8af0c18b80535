"""The two linear readings of one asset's trailing window, bar by bar, from sums of products."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number, require_x64

from ..timeseries import (
    Autoregression,
    HannanRissanen,
    SlidingProducts,
    SlidingProductsState,
    ar_from_sums,
    default_long_order,
    hannan_rissanen_from_sums,
)

LARGEST_RETURN = 1e100
"""Size beyond which a return's products could leave the range of floats; it is refused like one that is not finite."""


class Readings(NamedTuple):
    """Both readings of the window that ends at this bar.

    Attributes:
        simple: AR(p).
        full: ARMA(p, q).
        full_window: the window holds no bars from before the first.
        admitted: this bar's return was taken.
    """

    simple: Autoregression
    full: HannanRissanen
    full_window: Bool[Array, ""]
    admitted: Bool[Array, ""]


class TrailingFits(eqx.Module):
    """Fits AR(p) and ARMA(p, q) to a trailing window without running over it; only copies of the window grow with it.

    Each bar adds lags + 2 products to sums from which nothing is subtracted, and solves systems of at most `long_order`
    unknowns: nothing runs over the window. A return that is not finite, or beyond 1e100, leaves the window as it is.

    Attributes:
        window_bars: returns in the window.
        order: (p, q) of the ARMA, p of the AR.
        long_order: lags of the long autoregression of Hannan and Rissanen; None lets it grow with the window.
    """

    window_bars: int = eqx.field(static=True)
    order: tuple[int, int] = eqx.field(static=True, default=(1, 1))
    long_order: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        require_x64("crossbar")
        if min(self.order) < 1:
            raise ValueError(f"order must be (p >= 1, q >= 1), was {self.order}.")
        if self.window_bars < 32:
            raise ValueError(f"window_bars must be at least 32 to hold two fits, was {self.window_bars}.")
        if self.long_order is not None and self.long_order < 1:
            raise ValueError(f"long_order must be at least 1, was {self.long_order}.")
        self._sliding()

    def init(self) -> SlidingProductsState:
        """Start with an empty window."""
        return self._sliding().init()

    def step(self, state: SlidingProductsState, value_return: Number) -> tuple[SlidingProductsState, Readings]:
        """Advance one bar given its return."""
        value = jnp.asarray(value_return, float)
        admitted = jnp.abs(value) <= LARGEST_RETURN  # nan is not
        moved, sums = self._sliding().step(state, jnp.where(admitted, value, 0.0))
        p, _ = self.order
        found = Readings(
            simple=ar_from_sums(sums, window_bars=self.window_bars, order=p),
            full=hannan_rissanen_from_sums(
                sums, window_bars=self.window_bars, order=self.order, long_order=self._lags()
            ),
            full_window=moved.bars >= self.window_bars,
            admitted=admitted,
        )
        # Of a refused bar the sums are those of a window with a 0, and only `admitted` may be read.
        return jax.tree.map(lambda new, old: jnp.where(admitted, new, old), moved, state), found

    def _lags(self) -> int:
        return default_long_order(self.window_bars, self.order) if self.long_order is None else self.long_order

    def _sliding(self) -> SlidingProducts:
        return SlidingProducts(self.window_bars, self._lags() + max(self.order))


def smooth(
    average: Float[Array, "*indices"],
    index: Float[Array, "*indices"],
    readings: Readings,
    *,
    first: Bool[Array, ""],
    half_life: Array,
) -> Float[Array, "*indices"]:
    """Move an exponential average towards an index; it starts at the first one and stays where a bar was refused."""
    share = jnp.where(first, 1.0, 1.0 - 2.0 ** (-1.0 / half_life))
    return jnp.where(readings.full_window & readings.admitted, average + share * (index - average), average)
