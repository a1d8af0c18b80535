"""Skewness and kurtosis of recent returns."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import TrailingReturns, quotient, trailing_returns

_WINDOW_BARS = 63


def _standardised(returns: Float[Array, " window"]) -> Float[Array, " window"]:
    """Return (r - mean) / standard deviation, 0 where nothing varies."""
    centred = returns - jnp.mean(returns)
    # Returns are standardised before they are raised to the 4th power: a square would underflow first.
    inverse = quotient(1.0, jnp.sqrt(jnp.mean(centred * centred)))
    return centred * inverse


class Skewness(AbstractFeature):
    r"""Third standardised moment of the last 63 log returns, $m_3 / m_2^{3/2}$; 0 where nothing varies."""

    name: ClassVar[str] = "skewness"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS

    def start(self) -> TrailingReturns:
        return trailing_returns(_WINDOW_BARS)

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        return memory, jnp.mean(_standardised(memory.returns) ** 3)


class Kurtosis(AbstractFeature):
    r"""Logarithm of the fourth standardised moment of the last 63 log returns against a normal law's.

    $$\log \frac{m_4}{3 m_2^2}$$

    The logarithm, because the moment itself reaches 63 after a single crash; 0 where nothing varies.
    """

    name: ClassVar[str] = "kurtosis"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS

    def start(self) -> TrailingReturns:
        return trailing_returns(_WINDOW_BARS)

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        moment = jnp.mean(_standardised(memory.returns) ** 4)
        return memory, jnp.log(jnp.where(moment > 0.0, moment, 3.0) / 3.0)
