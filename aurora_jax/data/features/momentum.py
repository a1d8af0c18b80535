"""The trend of a quarter without its last week."""

import math
from typing import ClassVar

from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import VOLATILITY_BARS, TrailingReturns, quotient, scaling_returns, scaling_volatility

_SKIPPED_BARS = 5


class Momentum(AbstractFeature):
    r"""Log return from 63 to 5 bars ago in units of volatility; the last week is left out, since it tends to reverse.

    $$\frac{\log P_{t-5} - \log P_{t-63}}{\sigma_{t-1} \sqrt{58}}$$

    References:
        Jegadeesh and Titman (1993), J. Finance 48(1), 65-91, section I (a gap between the ranking and holding periods).
    """

    name: ClassVar[str] = "momentum"
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = VOLATILITY_BARS + 1

    def start(self) -> TrailingReturns:
        return scaling_returns()

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        change = memory.returns[-VOLATILITY_BARS:-_SKIPPED_BARS].sum()
        return memory, quotient(change, scaling_volatility(memory) * math.sqrt(VOLATILITY_BARS - _SKIPPED_BARS))
