"""What the high and the low of a bar say: true range, Parkinson's volatility, range."""

import math
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import OHLC, AbstractFeature, present
from .trailing import (
    VOLATILITY_BARS,
    TrailingReturns,
    log_floored,
    push,
    quotient,
    root_mean_square,
    scaling_returns,
    scaling_volatility,
)

_SMOOTHING_BARS = 14
_PARKINSON_BARS = 21


class TrueRangeMemory(NamedTuple):
    """The last close, the exponential sum of true ranges in units of it, and the sum of its weights."""

    close: Float[Array, ""]
    range: Float[Array, ""]
    weight: Float[Array, ""]


class AverageTrueRange(AbstractFeature):
    r"""Logarithm of the average true range against the close.

    $$\log \frac{ATR_t}{P_t}, \qquad TR_t = \max(H_t, P_{t-1}) - \min(L_t, P_{t-1})$$

    with weights $(1 - 1/14)^i$, newest first, normed to 1. The first bar has no close before it: H - L.

    References:
        Wilder (1978), New Concepts in Technical Trading Systems, section III.
    """

    name: ClassVar[str] = "average_true_range"
    requires: ClassVar[Columns] = OHLC
    warm_up_bars: ClassVar[int] = 2 * _SMOOTHING_BARS

    def start(self) -> TrueRangeMemory:
        return TrueRangeMemory(jnp.zeros(()), jnp.zeros(()), jnp.zeros(()))

    def advance(self, memory: TrueRangeMemory, bar: Bar) -> tuple[TrueRangeMemory, Float[Array, ""]]:
        seen = memory.close > 0.0
        high, low = present(bar.high), present(bar.low)
        high = jnp.where(seen, jnp.maximum(high, memory.close), high)
        low = jnp.where(seen, jnp.minimum(low, memory.close), low)
        decay = 1.0 - 1.0 / _SMOOTHING_BARS
        total = decay * memory.range * memory.close / bar.close + (high - low) / bar.close
        weight = decay * memory.weight + 1.0
        return TrueRangeMemory(bar.close, total, weight), log_floored(total / weight)


class ParkinsonVolatility(AbstractFeature):
    r"""Logarithm of the volatility per bar that the last n = 21 ranges imply.

    $$\tfrac12 \log \frac{1}{4 n \log 2} \sum_{i=0}^{n-1} \Bigl(\log \frac{H_{t-i}}{L_{t-i}}\Bigr)^2$$

    References:
        Parkinson (1980), J. Business 53(1), 61-65, eq. 3.
    """

    name: ClassVar[str] = "parkinson_volatility"
    requires: ClassVar[Columns] = OHLC
    warm_up_bars: ClassVar[int] = _PARKINSON_BARS - 1

    def start(self) -> Float[Array, " window"]:
        return jnp.zeros(_PARKINSON_BARS)

    def advance(self, memory: Float[Array, " window"], bar: Bar) -> tuple[Float[Array, " window"], Float[Array, ""]]:
        memory = push(memory, jnp.log(present(bar.high) / present(bar.low)))
        return memory, log_floored(root_mean_square(memory) / math.sqrt(4.0 * math.log(2.0)))


class Range(AbstractFeature):
    r"""Log range of this bar in units of volatility, $\log(H_t / L_t) / \sigma_{t-1}$."""

    name: ClassVar[str] = "range"
    requires: ClassVar[Columns] = OHLC
    warm_up_bars: ClassVar[int] = VOLATILITY_BARS + 1

    def start(self) -> TrailingReturns:
        return scaling_returns()

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        return memory, quotient(jnp.log(present(bar.high) / present(bar.low)), scaling_volatility(memory))
