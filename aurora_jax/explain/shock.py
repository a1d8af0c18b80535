"""A shock to the market, in the words of its user."""

import math
from dataclasses import dataclass, fields

from ..teacher import NFSDE, shocked


@dataclass(frozen=True)
class Shock:
    """How the shocked market differs from the fitted one; the defaults change nothing, and None keeps what was fitted.

    Attributes:
        volatility: multiplies every asset's volatility.
        jump_intensity: multiplies the jumps per bar that no earlier jump caused.
        hurst: Hurst exponent of the volatility factors; lower is rougher.
        contagion: share in (0, 0.99) of a jump's variance that moves all assets together.
        drift: added to every asset's log return over the horizon, evenly; -0.05 is 5 % down by its end.
        liquidity: depth relative to normal; jumps grow by its power -1/2.
        branching_ratio: expected direct offspring of a jump, in (0, 0.98).
        scale_persistence_bars: bars for which the heavy scale of jumps lasts on average.
        degrees_of_freedom: of the jumps' sizes, above 2; the tail index is its reciprocal.
    """

    volatility: float = 1.0
    jump_intensity: float = 1.0
    hurst: float | None = None
    contagion: float | None = None
    drift: float = 0.0
    liquidity: float = 1.0
    branching_ratio: float | None = None
    scale_persistence_bars: float | None = None
    degrees_of_freedom: float | None = None

    def __post_init__(self):
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, was {value}.")

    def applied(self, model: NFSDE, *, horizon: int) -> NFSDE:
        """Return `model` under the shock, its drift spread over `horizon` bars.

        Raises:
            ValueError: if a value leaves its range; names it.
        """
        return shocked(
            model,
            volatility=self.volatility,
            jump_intensity=self.jump_intensity,
            hurst=self.hurst,
            contagion=self.contagion,
            drift=self.drift / horizon,
            liquidity=self.liquidity,
            branching_ratio=self.branching_ratio,
            scale_persistence_bars=self.scale_persistence_bars,
            degrees_of_freedom=self.degrees_of_freedom,
        )

    def changes(self) -> dict[str, float]:
        """Return the fields that differ from their defaults, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
