"""Returns over several horizons, in units of trailing volatility."""

import math
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from aurora_jax.core import Bar, Columns

from .feature import CLOSE_ONLY, AbstractFeature
from .trailing import VOLATILITY_BARS, TrailingReturns, quotient, scaling_returns, scaling_volatility


class Return(AbstractFeature):
    r"""Log return over the last h bars, against what volatility makes of h bars.

    $$z_t = \frac{\log P_t - \log P_{t-h}}{\sigma_{t-1} \sqrt h}$$

    with $\sigma_{t-1}$ the root mean square of the 63 returns before the newest.
    """

    horizon_bars: int = eqx.field(static=True)
    requires: ClassVar[Columns] = CLOSE_ONLY
    warm_up_bars: ClassVar[int] = VOLATILITY_BARS + 1

    def __check_init__(self):
        if not 1 <= self.horizon_bars <= VOLATILITY_BARS:
            raise ValueError(f"horizon_bars must lie in [1, {VOLATILITY_BARS}], was {self.horizon_bars}.")

    @property
    def name(self) -> str:
        return f"return_{self.horizon_bars}"

    def start(self) -> TrailingReturns:
        return scaling_returns()

    def advance(self, memory: TrailingReturns, bar: Bar) -> tuple[TrailingReturns, Float[Array, ""]]:
        memory = memory.push(bar.close)
        change = memory.returns[-self.horizon_bars :].sum()
        return memory, quotient(change, scaling_volatility(memory) * math.sqrt(self.horizon_bars))
