"""Bollinger bands: their width and where the price stands in them."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import log_floored, push, quotient

_WINDOW_BARS = 20
_DEVIATIONS = 2.0


def _mean_and_deviation(closes: Float[Array, " window"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return mean and standard deviation of the closes in units of the newest: exactly 1 and 0 if all are equal."""
    relative = closes / closes[-1]
    mean = jnp.mean(relative)
    return mean, jnp.sqrt(jnp.mean((relative - mean) ** 2))


class BollingerWidth(AbstractFeature):
    r"""Logarithm of the bands' width against their middle, over 20 bars.

    $$\log \frac{4 s_t}{m_t}$$

    with mean $m_t$ and standard deviation $s_t$ of the last 20 closes.

    References:
        Bollinger (2001), Bollinger on Bollinger Bands, chapter 8 (BandWidth).
    """

    name: ClassVar[str] = "bollinger_width"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS - 1

    def start(self) -> Float[Array, " window"]:
        return jnp.zeros(_WINDOW_BARS)

    def advance(self, memory: Float[Array, " window"], bar: Bar) -> tuple[Float[Array, " window"], Float[Array, ""]]:
        memory = push(memory, bar.close)
        mean, deviation = _mean_and_deviation(memory)
        return memory, log_floored(2.0 * _DEVIATIONS * deviation / mean)


class BollingerPosition(AbstractFeature):
    r"""Where the close stands between the bands: -1 at the lower, 0 in the middle, 1 at the upper (2 %b - 1).

    $$\frac{P_t - m_t}{2 s_t}$$

    with mean $m_t$ and standard deviation $s_t$ of the last 20 closes; 0 where all are equal.

    References:
        Bollinger (2001), Bollinger on Bollinger Bands, chapter 8 (%b).
    """

    name: ClassVar[str] = "bollinger_position"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS - 1

    def start(self) -> Float[Array, " window"]:
        return jnp.zeros(_WINDOW_BARS)

    def advance(self, memory: Float[Array, " window"], bar: Bar) -> tuple[Float[Array, " window"], Float[Array, ""]]:
        memory = push(memory, bar.close)
        mean, deviation = _mean_and_deviation(memory)
        return memory, quotient(1.0 - mean, _DEVIATIONS * deviation)
