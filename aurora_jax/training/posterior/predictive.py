"""Do markets drawn from the posterior have their jumps as the real one has?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from aurora_jax.core import PRNGKey, stream

from .observations import Observations
from .posterior import Posterior
from .simulate import simulate_event_bars


class PredictiveCheck(NamedTuple):
    """Bars with a jump in each window of equal length, real and replicated.

    Attributes:
        window_bars: bars of a window.
        observed: number in each window of the real market.
        replicated: number in each window of each market drawn from the posterior.
        total_p_value: share of the markets drawn with at least as many jumps, ties counted half.
        dispersion_p_value: likewise for variance over mean of the windows, which is 1 without clustering.
    """

    window_bars: int
    observed: Int[np.ndarray, " windows"]
    replicated: Int[np.ndarray, "markets windows"]
    total_p_value: float
    dispersion_p_value: float


def predictive_check(
    key: PRNGKey, posterior: Posterior, observations: Observations, *, markets: int = 100, window_bars: int = 50
) -> PredictiveCheck:
    """Compare the real market's jump counts with those of markets drawn from the posterior.

    Args:
        key: parent of a stream for each market.
        posterior: of the market.
        observations: of the market.
        markets: number to draw, at most as many as there are draws.
        window_bars: at most the bars of the market.

    References:
        Gelman, Meng and Stern (1996), Statistica Sinica 6, 733-760, eq. 6.
    """
    pooled = {name: posterior.pooled(name) for name in posterior.draws}
    places = np.linspace(0, next(iter(pooled.values())).size - 1, markets).astype(int)
    replicated = []
    for number, place in enumerate(places):
        value = {name: float(draws[place]) for name, draws in pooled.items()}
        bars = simulate_event_bars(stream(key, "market", number), value, bars=observations.bars)
        replicated.append(_counts(bars, observations.bars, window_bars))
    observed, drawn = _counts(observations.event_bars, observations.bars, window_bars), np.stack(replicated)
    return PredictiveCheck(
        window_bars,
        observed,
        drawn,
        _p_value(np.sum(drawn, axis=1), float(np.sum(observed))),
        _p_value(np.array([dispersion(row) for row in drawn]), dispersion(observed)),
    )


def dispersion(counts: Int[np.ndarray, " windows"]) -> float:
    """Return variance over mean; 1 where there is nothing to count."""
    mean = float(np.mean(counts))
    return float(np.var(counts, ddof=1)) / mean if mean > 0.0 else 1.0


def _counts(event_bars: Int[np.ndarray, " events"], bars: int, window_bars: int) -> Int[np.ndarray, " windows"]:
    windows = bars // window_bars
    whole = event_bars[event_bars < windows * window_bars]
    return np.bincount(whole // window_bars, minlength=windows)


def _p_value(drawn: Float[np.ndarray, " markets"] | Int[np.ndarray, " markets"], found: float) -> float:
    return float(np.mean(drawn > found) + 0.5 * np.mean(drawn == found))
