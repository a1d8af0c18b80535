"""Sums of lagged products over a sliding window, from which nothing is ever subtracted."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


class SlidingProductsState(NamedTuple):
    """What the next bar needs to know; zeros before the first one.

    Attributes:
        values: the trailing window, oldest first.
        bars: values admitted so far.
        newest: sums over the half that is being filled.
        middle: sums over the half before it.
        backward: sums over the end of that half, growing towards its start.
        endings: sums over the end of the oldest half, one entry for each bar at which it may be cut.
    """

    values: Float[Array, " window"]
    bars: Int[Array, ""]
    newest: Float[Array, " sums"]
    middle: Float[Array, " sums"]
    backward: Float[Array, " sums"]
    endings: Float[Array, "half sums"]


class LaggedSums(NamedTuple):
    """Sums over the bars t = lags, ..., window - 1 of one window, and the values that they leave out as x_t.

    Attributes:
        values: of x_(t-i), for i = 0, ..., lags.
        products: of x_(t-i) x_(t-j).
        first: the first `lags` values of the window.
    """

    values: Float[Array, " offsets"]
    products: Float[Array, "offsets offsets"]
    first: Float[Array, " lags"]


class SlidingProducts(eqx.Module):
    r"""Keeps $\sum_t x_{t-i}$ and $\sum_t x_{t-i} x_{t-j}$ of a trailing window by a few products a bar.

    Away from the window's ends a product depends on the distance of its lags alone, so one row of lags + 2 sums serves
    all pairs; the few products at either end are added directly. The row is summed as a queue of two halves: the half
    that is filled grows at its end, and while it does the half before it is summed backwards, so that each of its
    endings is at hand when it is the oldest in turn. A value that has left the window is in no sum: a spike leaves no
    rounding.

    Attributes:
        window_bars: values in the window.
        lags: largest lag.
    """

    window_bars: int = eqx.field(static=True)
    lags: int = eqx.field(static=True)

    def __check_init__(self):
        if self.lags < 1:
            raise ValueError(f"lags must be at least 1, was {self.lags}.")
        if self.window_bars < 2 * self.lags + 4:
            raise ValueError(
                f"window_bars must be at least 2 lags + 4 = {2 * self.lags + 4} to have an inside, "
                f"was {self.window_bars}."
            )

    @property
    def half(self) -> int:
        """Rows in each half of the inside of the window."""
        return (self.window_bars - 2 * self.lags) // 2

    def init(self) -> SlidingProductsState:
        """Start with a window of zeros."""
        zeros = jnp.zeros(self.lags + 2)
        return SlidingProductsState(
            values=jnp.zeros(self.window_bars),
            bars=jnp.zeros((), int),
            newest=zeros,
            middle=zeros,
            backward=zeros,
            endings=jnp.zeros((self.half, self.lags + 2)),
        )

    def step(self, state: SlidingProductsState, value: Float[Array, ""]) -> tuple[SlidingProductsState, LaggedSums]:
        """Admit one finite value, and return the sums of the window that it ends."""
        lags, half, bars = self.lags, self.half, self.window_bars
        values = jnp.concatenate([state.values[1:], value[None]])
        place = state.bars % half
        fresh = place == 0
        middle = jnp.where(fresh, state.newest, state.middle)
        newest = jnp.where(fresh, 0.0, state.newest) + _row(values[bars - 2 * lags - 1 : bars - lags])

        # The row this bar adds to the sum from the back: the end of the middle half first, its start last.
        last = bars - 1 - lags - (2 * place + 1)
        segment = values.at[last - lags + jnp.arange(lags + 1)].get(mode="clip")
        backward = jnp.where(fresh, 0.0, state.backward) + _row(segment)
        # Each ending is read once, on the bar that frees its entry for the one found now. Found in the order opposite
        # to that of reading, they lie in turn forwards and backwards; the last entry is that of nothing left.
        forwards = (state.bars // half) % 2 == 0
        entry = jnp.where(forwards, place, (half - 2 - place) % half)
        ending = state.endings[entry]
        endings = state.endings.at[entry].set(jnp.where(place == half - 1, 0.0, backward))

        after = SlidingProductsState(values, state.bars + 1, newest, middle, backward, endings)
        return after, self._sums(values, ending + middle + newest)

    def _sums(self, values: Float[Array, " window"], inside: Float[Array, " sums"]) -> LaggedSums:
        """Return the sums of all pairs of lags, the inside of the window having been summed."""
        lags, bars = self.lags, self.window_bars
        if bars % 2:  # two halves leave one row, the oldest
            inside = inside + _row(values[: lags + 1])
        start = jnp.concatenate([jnp.zeros(lags), values[:lags]])
        rows = jnp.concatenate([_rows(start, lags), _rows(values[bars - 2 * lags :], lags)])
        sums = inside[None, :] + jnp.asarray(_edges(lags)) @ rows
        near, far = np.indices((lags + 1, lags + 1))
        return LaggedSums(sums[:, 0], sums[np.minimum(near, far), 1 + np.abs(near - far)], values[:lags])


def _row(segment: Float[Array, " offsets"]) -> Float[Array, " sums"]:
    """Return the last of `segment` and its products with itself and those before it, nearest first."""
    return jnp.concatenate([segment[-1:], segment[-1] * segment[::-1]])


def _rows(values: Float[Array, " bars"], lags: int) -> Float[Array, "rows sums"]:
    """Return `_row` of each value that has `lags` before it."""
    columns = [values[lags - lag : values.size - lag] for lag in range(lags + 1)]
    return jnp.stack([columns[0], *(columns[0] * column for column in columns)], axis=1)


def _edges(lags: int) -> np.ndarray:
    """Return which of the first and of the last `lags` rows belong to the sum for each smaller lag."""
    lag, row = np.indices((lags + 1, lags))
    return np.concatenate([row >= lags - lag, row < lags - lag], axis=1).astype(float)
