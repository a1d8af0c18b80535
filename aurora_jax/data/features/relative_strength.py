"""Wilder's relative strength index."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import quotient

_SMOOTHING_BARS = 14


class RelativeStrengthMemory(NamedTuple):
    """The last close and the exponential sums of gains and of losses, in units of the last close."""

    close: Float[Array, ""]
    gain: Float[Array, ""]
    loss: Float[Array, ""]


class RelativeStrength(AbstractFeature):
    r"""The relative strength index, moved from [0, 100] to [-1, 1].

    With gains and losses of the price smoothed by weights $(1 - 1/14)^i$, newest first,

    $$\frac{\bar g - \bar l}{\bar g + \bar l} = \frac{RSI}{50} - 1$$

    The sums start empty, so that the weights' norm cancels in the quotient. It is 0 where nothing moved.

    References:
        Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    """

    name: ClassVar[str] = "relative_strength"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = 2 * _SMOOTHING_BARS

    def start(self) -> RelativeStrengthMemory:
        return RelativeStrengthMemory(jnp.zeros(()), jnp.zeros(()), jnp.zeros(()))

    def advance(self, memory: RelativeStrengthMemory, bar: Bar) -> tuple[RelativeStrengthMemory, Float[Array, ""]]:
        before = jnp.where(memory.close > 0.0, memory.close, bar.close)
        change = (bar.close - before) / before
        # Sums are kept in units of the newest close: no price scale, and no overflow over decades.
        decay = (1.0 - 1.0 / _SMOOTHING_BARS) * before / bar.close
        gain = decay * memory.gain + jnp.maximum(change, 0.0) * before / bar.close
        loss = decay * memory.loss + jnp.maximum(-change, 0.0) * before / bar.close
        return RelativeStrengthMemory(bar.close, gain, loss), quotient(gain - loss, gain + loss)
