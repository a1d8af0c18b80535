"""How far a scenario departs from the fitted market."""

import dataclasses
import math

import equinox as eqx


class Severity(eqx.Module):
    """A shock to the teacher; the defaults change nothing, and None keeps what was fitted.

    Attributes:
        volatility: multiplier of every asset's volatility.
        jump_intensity: multiplier of the jumps per bar that no earlier jump caused.
        hurst: Hurst exponent of the volatility factors in every regime.
        drift: added to every asset's log return per bar.
        contagion: share of a jump's variance that moves all assets together.
        branching_ratio: expected direct offspring of a jump.
        scale_persistence_bars: bars for which the heavy scale of jumps lasts on average.
        degrees_of_freedom: of the jumps' sizes.
        liquidity: depth of the market relative to normal; jumps grow by its power -1/2.
        price_hurst: prices driven by fractional noise of this exponent.
    """

    volatility: float = eqx.field(static=True, default=1.0)
    jump_intensity: float = eqx.field(static=True, default=1.0)
    hurst: float | None = eqx.field(static=True, default=None)
    drift: float = eqx.field(static=True, default=0.0)
    contagion: float | None = eqx.field(static=True, default=None)
    branching_ratio: float | None = eqx.field(static=True, default=None)
    scale_persistence_bars: float | None = eqx.field(static=True, default=None)
    degrees_of_freedom: float | None = eqx.field(static=True, default=None)
    liquidity: float = eqx.field(static=True, default=1.0)
    price_hurst: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        for name in ("volatility", "jump_intensity", "liquidity"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"severity.{name} must be positive, was {getattr(self, name)}.")
        for name in ("hurst", "price_hurst", "contagion", "branching_ratio"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                raise ValueError(f"severity.{name} must lie in (0, 1), was {value}.")
        for name, least in (("scale_persistence_bars", 0.2), ("degrees_of_freedom", 2.0)):
            value = getattr(self, name)
            if value is not None and not least < value < math.inf:
                raise ValueError(f"severity.{name} must exceed {least}, was {value}.")
        if not math.isfinite(self.drift):
            raise ValueError(f"severity.drift must be finite, was {self.drift}.")

    def description(self) -> dict[str, float | None]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def changes(self) -> dict[str, float]:
        """Return the fields that differ from their defaults, by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != f.default}
