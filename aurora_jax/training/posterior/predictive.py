"""Do markets drawn from the posterior look like the real one, in what the calibration sees of them?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from aurora_jax.core import PRNGKey, stream

from .observations import Observations
from .posterior import Posterior
from .simulate import simulate_observations

WINDOW_BARS = 50
_BAND = (0.05, 0.5, 0.95)


class Check(NamedTuple):
    """One number of the real market against the same of markets drawn from the posterior.

    Attributes:
        real: of the real market.
        low: 5 % quantile of the markets drawn.
        middle: their median.
        high: their 95 % quantile.
        p_value: share of the markets drawn in which it is at least as large, ties counted half; near 0 or 1, the
            model does not have it.
    """

    real: float
    low: float
    middle: float
    high: float
    p_value: float


class PredictiveCheck(NamedTuple):
    """The real market against markets drawn from the posterior.

    Attributes:
        observed: bars with a jump in each window of `WINDOW_BARS` of the real market.
        replicated: the same of each market drawn.
        checks: by the name of the number, see `STATISTICS`.
    """

    observed: Int[np.ndarray, " windows"]
    replicated: Int[np.ndarray, "markets windows"]
    checks: dict[str, Check]


def predictive_check(
    key: PRNGKey, posterior: Posterior, observations: Observations, *, markets: int = 100
) -> PredictiveCheck:
    """Compare the real market's jumps and readings with those of markets drawn from the posterior.

    Args:
        key: parent of a stream for each market.
        posterior: of the market.
        observations: of the market.
        markets: number to draw, at most as many as there are draws.

    Raises:
        ValueError: if there are fewer draws than markets.

    References:
        Gelman, Meng and Stern (1996), Statistica Sinica 6, 733-760, eq. 6.
    """
    pooled = {name: posterior.pooled(name) for name in posterior.draws}
    draws = next(iter(pooled.values())).size
    if not 1 <= markets <= draws:
        raise ValueError(f"markets must lie in [1, {draws}] (the draws of the posterior), was {markets}.")
    drawn = []
    for number, place in enumerate(np.linspace(0, draws - 1, markets).astype(int)):
        value = {name: float(values[place]) for name, values in pooled.items()}
        drawn.append(_market_like(stream(key, "market", number), value, observations))
    checks = {
        name: _check(statistic(observations), np.array([statistic(one) for one in drawn]))
        for name, statistic in STATISTICS.items()
    }
    return PredictiveCheck(window_counts(observations), np.stack([window_counts(one) for one in drawn]), checks)


def window_counts(observations: Observations) -> Int[np.ndarray, " windows"]:
    """Return the bars with a jump in each whole window; a market shorter than one is a window."""
    length = min(WINDOW_BARS, observations.bars)
    windows = observations.bars // length
    whole = observations.event_bars[observations.event_bars < windows * length]
    return np.bincount(whole // length, minlength=windows)


def dispersion(counts: Int[np.ndarray, " windows"]) -> float:
    """Return variance over mean, 1 for a Poisson process; 1 where there is nothing to count."""
    mean = float(np.mean(counts))
    return float(np.var(counts, ddof=1)) / mean if mean > 0.0 and counts.size > 1 else 1.0


def reading_change(observations: Observations, *, lag_bars: int) -> float:
    r"""Return the mean square of $y_{t+k} - y_t$ over lag k, relative to that over one bar."""
    path = np.concatenate(([0.0], np.cumsum(observations.increments)))
    return float(np.mean((path[lag_bars:] - path[:-lag_bars]) ** 2) / np.mean(observations.increments**2))


STATISTICS: dict[str, Callable[[Observations], float]] = {
    "bars with a jump": lambda seen: float(seen.event_bars.size),
    "clustering of jumps": lambda seen: dispersion(window_counts(seen)),
    "largest excess": lambda seen: float(np.max(seen.excesses, initial=0.0)),
    "change of a reading": lambda seen: float(np.std(seen.increments)),
    "kurtosis of the change": lambda seen: float(stats.kurtosis(seen.increments, fisher=False)),
    "growth over 10 bars": lambda seen: reading_change(seen, lag_bars=10),
    "growth over 100 bars": lambda seen: reading_change(seen, lag_bars=100),
}
"""What is compared, by name: number, clustering (variance over mean in windows) and size of jumps; deviation and
kurtosis of differenced readings; and how their mean square grows with the lag, which is what H is read from."""


def _market_like(key: PRNGKey, parameters: dict[str, float], real: Observations) -> Observations:
    """Draw a market with as many readings, and as many bars to look for jumps in, as the real one."""
    drawn = simulate_observations(
        key, parameters, bars=max(real.bars, real.increments.size + 1), error_variance=real.error_variance
    )
    kept = drawn.event_bars < real.bars
    return Observations(
        drawn.increments[: real.increments.size],
        real.error_variance,
        drawn.event_bars[kept],
        drawn.excesses[kept],
        real.bars,
    )


def _check(real: float, drawn: Float[np.ndarray, " markets"]) -> Check:
    low, middle, high = (float(value) for value in np.quantile(drawn, _BAND))
    return Check(real, low, middle, high, float(np.mean(drawn > real) + 0.5 * np.mean(drawn == real)))
