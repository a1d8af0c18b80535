"""The crossbar index between a recent and a long window of one asset, smoothed."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome

from ..timeseries import SlidingProductsState
from .crossbar import CrossbarInfo
from .index import disagreement
from .settings import level, require
from .windows import TrailingFits, smooth


class TwoLengthsState(NamedTuple):
    """What the next bar needs to know.

    Attributes:
        recent: the recent returns and the sums of their products.
        long: those of the long window.
        smoothed: exponential averages of the index that reads AR on the recent window and ARMA on the long one, and of
            the one that reads them the other way round.
    """

    recent: SlidingProductsState
    long: SlidingProductsState
    smoothed: Float[Array, " readings"]

    @property
    def returns(self) -> Float[Array, "*batch long_window"]:
        """The long window, oldest first; zeros where it is not full."""
        return self.long.values

    @property
    def bars(self) -> Int[Array, "*batch"]:
        """Returns admitted so far."""
        return self.long.bars


class TwoLengths(eqx.Module):
    r"""Compares readings of one asset over two lengths, and averages the larger disagreement.

    $$c = \max\Bigl(
      \overline{\frac{\lVert \phi_{AR}^{recent} - \phi_{ARMA}^{long} \rVert_2}{\sigma_\phi + \varepsilon}},\;
      \overline{\frac{\lVert \phi_{AR}^{long} - \phi_{ARMA}^{recent} \rVert_2}{\sigma_\phi + \varepsilon}} \Bigr)$$

    One window disagrees with itself only while it is a mixture, and little; a recent one disagrees with a long one as
    soon as it has left the old law. Which reading is recent matters: ARMA finds a persistence that begins, AR one that
    ends. Bars are averaged, refused and forgotten as in `Crossbar`.

    Attributes:
        recent_bars: returns in the recent window.
        long_bars: returns in the long window.
        order: (p, q) of the ARMA, p of the AR.
        half_life_bars: bars after which an index counts half.
        long_order: lags of the long autoregression on the long window; None lets it grow with the window.
    """

    recent_bars: int = eqx.field(static=True, default=32)
    long_bars: int = eqx.field(static=True, default=256)
    order: tuple[int, int] = eqx.field(static=True, default=(1, 1))
    half_life_bars: Float[Array, ""] = eqx.field(converter=level, default=8.0)
    long_order: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.recent_bars >= self.long_bars:
            raise ValueError(f"recent_bars must be below long_bars, were {self.recent_bars} and {self.long_bars}.")
        require(self.half_life_bars > 0, "half_life_bars must be > 0", self.half_life_bars)
        self._fits()

    def init(self) -> TwoLengthsState:
        """Start with empty windows."""
        recent, long = self._fits()
        return TwoLengthsState(recent.init(), long.init(), jnp.zeros(2))

    def step(self, state: TwoLengthsState, value_return: Number) -> tuple[TwoLengthsState, CrossbarInfo]:
        """Advance one bar given its return (the unit does not matter)."""
        recent_fits, long_fits = self._fits()
        recent, new = recent_fits.step(state.recent, value_return)
        long, old = long_fits.step(state.long, value_return)
        ended, begun = disagreement(new.simple, old.full), disagreement(old.simple, new.full)
        first = long.bars == self.long_bars
        indices = jnp.stack([ended.value, begun.value])
        smoothed = smooth(state.smoothed, indices, old, first=first, half_life=self.half_life_bars)
        # One reading without a fit is the other's as well: both read both windows.
        outcome = jnp.where(ended.outcome == Outcome.OK, begun.outcome, ended.outcome)
        outcome = jnp.where(old.full_window, outcome, int(Outcome.WARMING_UP))
        outcome = jnp.where(old.admitted, outcome, int(Outcome.NON_FINITE))
        index = jnp.where(outcome == Outcome.OK, jnp.max(indices), 0.0)
        return TwoLengthsState(recent, long, smoothed), CrossbarInfo(jnp.max(smoothed), index, outcome)

    def _fits(self) -> tuple[TrailingFits, TrailingFits]:
        return TrailingFits(self.recent_bars, self.order), TrailingFits(self.long_bars, self.order, self.long_order)
