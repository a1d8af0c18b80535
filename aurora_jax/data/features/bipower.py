"""How much of the variance is continuous."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import TrailingReturns, quotient, trailing_returns

_WINDOW_BARS = 21


class BipowerRatio(AbstractFeature):
    r"""Bipower variation over realised variance of the last n = 21 bars: near 1 without jumps, towards 0 with one.

    $$\frac{\pi}{2} \frac{n}{n-1} \frac{\sum_{i=2}^n |r_i| |r_{i-1}|}{\sum_{i=1}^n r_i^2}$$

    It is 1 where nothing moved.

    References:
        Barndorff-Nielsen and Shephard (2004), J. Financial Econometrics 2(1), 1-37, eq. 8.
    """

    name: ClassVar[str] = "bipower_ratio"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = _WINDOW_BARS

    def start(self) -> TrailingReturns:
        return trailing_returns(_WINDOW_BARS)

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        size = jnp.abs(memory.returns)
        neighbours = math.pi / 2 * _WINDOW_BARS / (_WINDOW_BARS - 1) * jnp.sum(size[1:] * size[:-1])
        return memory, quotient(neighbours, jnp.sum(size * size), otherwise=1.0)
