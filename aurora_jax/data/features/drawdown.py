"""The fall from a recent high."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import push

_WINDOW_BARS = 63


class Drawdown(AbstractFeature):
    r"""Logarithm of the close against the highest of the last 63 closes, itself included: 0 at a high, else negative.

    $$\log \frac{P_t}{\max_{0 \le i < 63} P_{t-i}}$$
    """

    name: ClassVar[str] = "drawdown"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS - 1

    def start(self) -> Float[Array, " window"]:
        return jnp.zeros(_WINDOW_BARS)

    def advance(self, memory: Float[Array, " window"], bar: Bar) -> tuple[Float[Array, " window"], Float[Array, ""]]:
        memory = push(memory, bar.close)
        return memory, jnp.log(bar.close / jnp.max(memory))
