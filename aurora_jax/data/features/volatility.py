"""Realised volatility."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import TrailingReturns, log_floored, root_mean_square, trailing_returns


class RealisedVolatility(AbstractFeature):
    r"""Logarithm of the root mean square of the last n log returns.

    $$\tfrac12 \log \frac1n \sum_{i=0}^{n-1} r_{t-i}^2$$
    """

    window_bars: int = eqx.field(static=True)
    requires: ClassVar[Columns] = CLOSE_ONLY

    def __check_init__(self):
        if self.window_bars < 2:
            raise ValueError(f"window_bars must be at least 2, was {self.window_bars}.")

    @property
    def name(self) -> str:
        return f"volatility_{self.window_bars}"

    @property
    def warm_up_bars(self) -> int:
        return self.window_bars

    def start(self) -> TrailingReturns:
        return trailing_returns(self.window_bars)

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        return memory, log_floored(root_mean_square(memory.returns))
