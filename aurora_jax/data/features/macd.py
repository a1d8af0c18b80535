"""Moving average convergence and divergence, and its signal line."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import VOLATILITY_BARS, TrailingReturns, quotient, scaling_returns, scaling_volatility

_FAST_SPAN_BARS, _SLOW_SPAN_BARS, _SIGNAL_SPAN_BARS = 12, 26, 9


class DivergenceMemory(NamedTuple):
    """Trailing returns, and how far each exponential average of the log price lies above the log price."""

    trailing: TrailingReturns
    fast: Float[Array, ""]
    slow: Float[Array, ""]


def _start() -> DivergenceMemory:
    return DivergenceMemory(scaling_returns(), jnp.zeros(()), jnp.zeros(()))


def _advance(memory: DivergenceMemory, close: Float[Array, ""]) -> DivergenceMemory:
    # From E_t = E_{t-1} + a (x_t - E_{t-1}): the distance E_t - x_t is (1 - a) (E_{t-1} - x_{t-1} - r_t).
    # It needs no price level, is exactly 0 for a price that never moved, and starts with E_0 = x_0.
    trailing = memory.trailing.push(close)
    newest = trailing.returns[-1]
    fast, slow = (
        (1.0 - 2.0 / (span + 1.0)) * (distance - newest)
        for span, distance in ((_FAST_SPAN_BARS, memory.fast), (_SLOW_SPAN_BARS, memory.slow))
    )
    return DivergenceMemory(trailing, fast, slow)


class Divergence(AbstractFeature):
    r"""Fast less slow exponential average of the log price (spans 12 and 26 bars), in units of volatility.

    $$\frac{E^{12}_t[\log P] - E^{26}_t[\log P]}{\sigma_{t-1}}$$

    After the warm-up the first close weighs less than 1 % in the slow average.

    References:
        Appel (2005), Technical Analysis: Power Tools for Active Investors, chapter 8.
    """

    name: ClassVar[str] = "macd"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = VOLATILITY_BARS + 1

    def start(self) -> DivergenceMemory:
        return _start()

    def advance(self, memory: DivergenceMemory, bar: Bar) -> tuple[DivergenceMemory, Float[Array, ""]]:
        memory = _advance(memory, bar.close)
        return memory, quotient(memory.fast - memory.slow, scaling_volatility(memory.trailing))


class SignalMemory(NamedTuple):
    """Memory of the divergence and the exponential average of its line."""

    divergence: DivergenceMemory
    line: Float[Array, ""]


class DivergenceSignal(AbstractFeature):
    """The exponential average of the MACD line over a span of 9 bars, in units of volatility; see `Divergence`."""

    name: ClassVar[str] = "macd_signal"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = VOLATILITY_BARS + 1

    def start(self) -> SignalMemory:
        return SignalMemory(_start(), jnp.zeros(()))

    def advance(self, memory: SignalMemory, bar: Bar) -> tuple[SignalMemory, Float[Array, ""]]:
        divergence = _advance(memory.divergence, bar.close)
        line = memory.line + 2.0 / (_SIGNAL_SPAN_BARS + 1.0) * (divergence.fast - divergence.slow - memory.line)
        return SignalMemory(divergence, line), quotient(line, scaling_volatility(divergence.trailing))
