"""What traded volume says: how unusual it is, how far it moves the price, at what price it traded."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import OHLC_VOLUME, VOLUME, AbstractFeature, present
from .trailing import push, quotient

_WINDOW_BARS = 21
_SHORT_BARS, _LONG_BARS = 5, 63


class VolumeScore(AbstractFeature):
    """Volume of this bar, less the mean and over the standard deviation of the last 21; 0 where it never varies."""

    name: ClassVar[str] = "volume_z_score"
    requires: ClassVar[Columns] = VOLUME
    warm_up_bars: ClassVar[int] = _WINDOW_BARS - 1

    def start(self) -> Float[Array, " window"]:
        return jnp.zeros(_WINDOW_BARS)

    def advance(self, memory: Float[Array, " window"], bar: Bar) -> tuple[Float[Array, " window"], Float[Array, ""]]:
        memory = push(memory, present(bar.volume))
        # In units of the largest, so that equal volumes have a deviation of exactly 0.
        relative = memory * quotient(1.0, jnp.max(memory))
        centred = relative - jnp.mean(relative)
        return memory, quotient(centred[-1], jnp.sqrt(jnp.mean(centred * centred)))


class IlliquidityMemory(NamedTuple):
    """The last close and, of each trailing bar, the return per value traded and whether anything traded."""

    close: Float[Array, ""]
    impact: Float[Array, " window"]
    traded: Float[Array, " window"]


class Illiquidity(AbstractFeature):
    r"""Amihud's illiquidity of the last 5 bars against that of the last 63, in logarithms.

    $$\log \frac{A^5_t}{A^{63}_t}, \qquad A^n_t = \operatorname{mean}_{0 \le i < n} \frac{|r_{t-i}|}{P_{t-i} V_{t-i}}$$

    over bars that traded. The ratio, because the level falls by decades as markets grow. It is 0 where either
    vanishes.

    References:
        Amihud (2002), J. Financial Markets 5(1), 31-56, eq. 1.
    """

    name: ClassVar[str] = "illiquidity"
    requires: ClassVar[Columns] = VOLUME
    warm_up_bars: ClassVar[int] = _LONG_BARS

    def start(self) -> IlliquidityMemory:
        return IlliquidityMemory(jnp.zeros(()), jnp.zeros(_LONG_BARS), jnp.zeros(_LONG_BARS))

    def advance(self, memory: IlliquidityMemory, bar: Bar) -> tuple[IlliquidityMemory, Float[Array, ""]]:
        before = jnp.where(memory.close > 0.0, memory.close, bar.close)
        value = bar.close * present(bar.volume)
        impact = push(memory.impact, quotient(jnp.abs(jnp.log(bar.close / before)), value))
        traded = push(memory.traded, jnp.where(value > 0.0, 1.0, 0.0))
        short, long = (quotient(impact[-n:].sum(), traded[-n:].sum()) for n in (_SHORT_BARS, _LONG_BARS))
        ratio = quotient(short, long)
        return IlliquidityMemory(bar.close, impact, traded), jnp.log(jnp.where(ratio > 0.0, ratio, 1.0))


class WeightedPriceMemory(NamedTuple):
    """Typical price and volume of the trailing bars."""

    price: Float[Array, " window"]
    volume: Float[Array, " window"]


class WeightedPriceDistance(AbstractFeature):
    r"""Logarithm of the close against the volume-weighted average price of the last 21 bars.

    $$\log P_t - \log \frac{\sum_i V_i (H_i + L_i + P_i) / 3}{\sum_i V_i}$$

    It is 0 where nothing traded.
    """

    name: ClassVar[str] = "vwap_distance"
    requires: ClassVar[Columns] = OHLC_VOLUME
    warm_up_bars: ClassVar[int] = _WINDOW_BARS - 1

    def start(self) -> WeightedPriceMemory:
        return WeightedPriceMemory(jnp.zeros(_WINDOW_BARS), jnp.zeros(_WINDOW_BARS))

    def advance(self, memory: WeightedPriceMemory, bar: Bar) -> tuple[WeightedPriceMemory, Float[Array, ""]]:
        price = push(memory.price, (present(bar.high) + present(bar.low) + bar.close) / 3.0)
        volume = push(memory.volume, present(bar.volume))
        relative = jnp.sum(volume * (price / bar.close)) * quotient(1.0, jnp.sum(volume))
        return WeightedPriceMemory(price, volume), -jnp.log(jnp.where(relative > 0.0, relative, 1.0))
