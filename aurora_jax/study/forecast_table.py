"""Which forecaster loses less: proper scores on the same bars, and tests of their differences."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float

from ..inference import diebold_mariano, pinball_score
from .forecast_law import AbstractForecast, Table

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


class ForecastScores(NamedTuple):
    """Mean scores of one forecaster; less is better.

    Attributes:
        losses: of each bar, averaged over the assets that were observed, by the name of the score.
        means: of those.
        levels: share of returns at or below the quantile of each level.
        histogram: share of probability transforms in each tenth; all .1 if the laws are right.
        kolmogorov_smirnov: largest distance of their distribution from the uniform one.
    """

    losses: dict[str, Float[np.ndarray, " bars"]]
    means: dict[str, float]
    levels: dict[float, float]
    histogram: Float[np.ndarray, " 10"]
    kolmogorov_smirnov: float


class Difference(NamedTuple):
    """A forecaster's mean loss less a rival's, and the test that it is 0.

    Attributes:
        relative: difference over the rival's mean loss; of nats the difference itself.
        statistic: of Diebold and Mariano; negative where the forecaster loses less.
        p_value: two-sided, by Harvey, Leybourne and Newbold.
    """

    difference: float
    relative: float
    statistic: float
    p_value: float


def score_forecast(
    forecast: AbstractForecast, observed: Table, counted: Bool[np.ndarray, "bars assets"]
) -> ForecastScores:
    """Score one forecaster: CRPS, minus log-likelihood where it has a density, and the pinball loss of five levels.

    Args:
        forecast: laws of the bars.
        observed: their returns.
        counted: False where an asset has no bar.

    Raises:
        ValueError: if no return counts.
    """
    if not counted.any():
        raise ValueError("no return counts: every bar is imputed.")
    tables: dict[str, Table | None] = {
        "CRPS": forecast.ranked_probability_score(observed),
        "NLL": forecast.log_score(observed),
    }
    levels = {}
    for level in LEVELS:
        quantile = forecast.quantile(level)
        tables[f"pinball {100 * level:.0f} %"] = np.asarray(pinball_score(observed, quantile, level=level))
        levels[level] = float((observed <= quantile)[counted].mean())
    losses = {name: _over_assets(table, counted) for name, table in tables.items() if table is not None}
    transforms = np.sort(forecast.probability(observed)[counted])
    return ForecastScores(
        losses,
        {name: float(loss.mean()) for name, loss in losses.items()},
        levels,
        np.histogram(transforms, bins=10, range=(0.0, 1.0))[0] / transforms.size,
        float(scipy.stats.kstest(transforms, "uniform").statistic),
    )


def differences(
    scores: ForecastScores, rivals: Mapping[str, ForecastScores], *, lags: int | None = None
) -> dict[str, dict[str, Difference]]:
    r"""Compare a forecaster with each rival, score by score, on the bars' mean losses over assets.

    The long-run variance has $\lfloor 4 (T / 100)^{2/9} \rfloor$ lags by default: losses cluster as volatility does,
    although one-step forecasts that were right would need none.

    Args:
        scores: of the forecaster.
        rivals: by name, scored on the same bars.
        lags: of the long-run variance.
    """
    found = {}
    for name, rival in rivals.items():
        both = [score for score in scores.losses if score in rival.losses]
        found[name] = {score: _difference(score, scores.losses[score], rival.losses[score], lags) for score in both}
    return found


def default_lags(bars: int) -> int:
    r"""Return $\lfloor 4 (T / 100)^{2/9} \rfloor$, less than the bars there are."""
    return min(int(4.0 * (bars / 100.0) ** (2.0 / 9.0)), bars - 1)


def _difference(score: str, losses, rival, lags: int | None) -> Difference:
    chosen = default_lags(len(losses)) if lags is None else lags
    test = diebold_mariano(losses, rival, lags=chosen)
    gap = float(np.mean(losses - rival))
    relative = gap if score == "NLL" else gap / float(np.mean(rival))
    return Difference(gap, relative, float(test.statistic), float(test.p_value))


def _over_assets(table: Table, counted: Bool[np.ndarray, "bars assets"]) -> Float[np.ndarray, " counted_bars"]:
    """Return each bar's mean over the assets that count; bars without any are left out."""
    some = counted.any(axis=1)
    return np.sum(np.where(counted, table, 0.0), axis=1)[some] / counted.sum(axis=1)[some]
