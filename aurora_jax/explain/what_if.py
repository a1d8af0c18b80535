"""What-if: the same market with and without a shock, on the same random numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from ..core import require_x64
from ..data import MarketData
from ..engine import load_teacher
from ..teacher import NFSDE
from .paths import WeightedPaths, weighted_paths
from .plot import plot_fans
from .portfolio import Weights, portfolio_weights
from .shock import Shock
from .start import Start, quiet_start, start_from
from .tail import paired_difference, tail_effect, tail_risk, weighted_quantile

QUANTILES = (0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Scenario:
    """One side of a what-if: the portfolio's value along each path, started at 1, and the paths' weights."""

    value: Float[np.ndarray, "paths points"]
    share: Float[np.ndarray, " paths"]

    @property
    def losses(self) -> Float[np.ndarray, " paths"]:
        """Return the loss at the horizon as a fraction of today's value."""
        return 1.0 - self.value[:, -1]


@dataclass(frozen=True)
class WhatIf:
    """The answer to a what-if; tables are pandas, losses are fractions of today's value.

    Attributes:
        shock: what was asked.
        start: where paths started; it says whether that is in the units of the teacher's training period.
        weights: of the portfolio, by asset; held without trading.
        base: the market as fitted.
        shocked: the market under the shock, on the same random numbers.
        tail_probability: of value at risk and expected shortfall.
        overflowed_paths: paths in which a bar had more jumps than places; their later jumps are missing.
    """

    shock: Shock
    start: Start
    weights: pd.Series
    base: Scenario
    shocked: Scenario
    tail_probability: float
    overflowed_paths: int

    @property
    def quantiles(self) -> pd.DataFrame:
        """Return the fan: quantiles of the cumulative simple return after each bar, base and shocked."""
        sides = {"base": self.base, "shocked": self.shocked}
        table = {
            (name, level): [weighted_quantile(bar - 1.0, side.share, level) for bar in side.value.T]
            for name, side in sides.items()
            for level in QUANTILES
        }
        return pd.DataFrame(table).rename_axis(index="bar", columns=["scenario", "quantile"])

    @property
    def expected_shortfall(self) -> pd.DataFrame:
        """Return value at risk and expected shortfall of both sides, and the shock's effect, with standard errors.

        The effect's standard errors are those of paired paths: smaller than two independent runs would give. Its
        effective paths are those of the side that has fewer.
        """
        settings = {"tail_probability": self.tail_probability}
        base, shocked = (self.base.losses, self.base.share), (self.shocked.losses, self.shocked.share)
        table = {
            "base": tail_risk(*base, **settings)._asdict(),
            "shocked": tail_risk(*shocked, **settings)._asdict(),
            "effect": tail_effect(*base, *shocked, **settings)._asdict(),
        }
        return pd.DataFrame(table).T

    def probability_below(self, level: float) -> pd.DataFrame:
        """Return the probability that the portfolio falls to a cumulative return of `level` at some bar, e.g. -0.1."""
        crossed = [(np.min(side.value, axis=1) - 1.0 <= level).astype(float) for side in (self.base, self.shocked)]
        table = {}
        for name, side, hit in zip(("base", "shocked"), (self.base, self.shocked), crossed, strict=True):
            chance = float(np.sum(side.share * hit))
            table[name] = {"probability": chance, "error": float(np.sqrt(np.sum((side.share * (hit - chance)) ** 2)))}
        effect, error = paired_difference(crossed[0], self.base.share, crossed[1], self.shocked.share)
        table["effect"] = {"probability": effect, "error": error}
        return pd.DataFrame(table).T

    def plot(self) -> Figure:
        """Draw both fans, and both distributions of the loss at the horizon with their expected shortfalls."""
        return plot_fans(
            self.quantiles,
            {"base": (self.base.losses, self.base.share), "shocked": (self.shocked.losses, self.shocked.share)},
            self.expected_shortfall,
            title=", ".join(f"{name} {value:g}" for name, value in self.shock.changes().items()) or "no shock",
            tail_probability=self.tail_probability,
        )


def what_if(
    model: NFSDE | Path | str,
    shock: Shock,
    *,
    horizon: int,
    paths: int,
    seed: int,
    start: Start | pd.DataFrame | MarketData | None = None,
    weights: Weights = None,
    tail_probability: float = 0.05,
    tilt: float = 1.0,
) -> WhatIf:
    """Simulate a market with and without `shock` on common random numbers.

    Args:
        model: a teacher, or the artifact that holds one.
        shock: what is asked.
        horizon: bars.
        paths: on each side.
        seed: the same seed gives the same answer.
        start: where paths start, or the history to read it off, as `start_from` does; None is the volatility of the
            training period, and GARCH.
        weights: of the portfolio, by asset or in the teacher's order; None is equal weight. `RobustWeights()` computes
            those of least worst-case expected shortfall.
        tail_probability: of value at risk and expected shortfall.
        tilt: jumps are simulated so many times as often and paths weighted back: importance sampling of the tail. The
            table's `effective_paths` tell what it leaves; 1 weighs all paths equally.

    Raises:
        ValueError: if a value is out of range; names it.
        ArtifactError: if the path holds no teacher.
    """
    require_x64("what_if")
    if isinstance(start, pd.DataFrame | MarketData):
        start = start_from(model, start)
    model = model if isinstance(model, NFSDE) else load_teacher(model)
    start = quiet_start(model) if start is None else start
    if not 0.0 < tail_probability < 1.0:
        raise ValueError(f"tail_probability must lie in (0, 1), was {tail_probability}.")
    settings = {"horizon": horizon, "paths": paths, "seed": seed, "tilt": tilt}
    # Checked before the first path is drawn.
    under_shock = shock.applied(model, horizon=max(horizon, 1))
    sides = [weighted_paths(side, start, **settings) for side in (model, under_shock)]
    chosen = portfolio_weights(weights, start.names, np.expm1(sides[0].log_price[:, -1]))
    return WhatIf(
        shock=shock,
        start=start,
        weights=pd.Series(chosen, index=list(start.names), name="weight"),
        base=_scenario(sides[0], chosen),
        shocked=_scenario(sides[1], chosen),
        tail_probability=tail_probability,
        overflowed_paths=sum(side.overflowed for side in sides),
    )


def _scenario(side: WeightedPaths, weights: Float[np.ndarray, " assets"]) -> Scenario:
    """Hold the weights without trading; what is not invested stays as it is."""
    return Scenario(1.0 + np.expm1(side.log_price) @ weights, side.weights / np.sum(side.weights))
