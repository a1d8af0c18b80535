"""Confidence intervals that respect serial dependence: the stationary bootstrap."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from jaxtyping import Float

from ..core import Number, Outcome
from .series import deviation, require_series
from .tail import tail_risk

_MINIMUM_BARS = 20


class ConfidenceInterval(NamedTuple):
    """A statistic and the interval that holds the true one in a share `level` of histories.

    Where `outcome` is not OK (TOO_SHORT, CONSTANT) the interval is the value itself and promises nothing.
    """

    value: float
    lower: float
    upper: float
    level: float
    outcome: Outcome


def bootstrap_interval(
    statistic: Callable[..., float],
    *series: Float[np.ndarray, " _"],
    seed: int,
    level: Number = 0.95,
    resamples: int = 999,
    block_bars: int | None = None,
) -> ConfidenceInterval:
    """Bootstrap a statistic of one or more series on the same bars.

    Blocks of geometric length wrap around the sample; all series are resampled by the same blocks, so that a difference
    keeps their dependence. The interval is the percentile interval.

    Args:
        statistic: of as many series as are given.
        series: returns per bar.
        seed: of the resampling; the same seed gives the same interval.
        level: in (0, 1).
        resamples: at least 99.
        block_bars: mean length of a block; None chooses by Politis and White, the longest over the series and their
            squares, so that clusters of volatility stay together.

    Raises:
        ValueError: if a setting is out of range, lengths differ, or a series is not finite.

    References:
        Politis and Romano (1994), JASA 89, 1303-1313. Politis and White (2004), Econometric Reviews 23, 53-70.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), was {level}.")
    if resamples < 99:
        raise ValueError(f"resamples must be at least 99, was {resamples}.")
    if block_bars is not None and block_bars < 1:
        raise ValueError(f"block_bars must be at least 1, was {block_bars}.")
    if len({one.shape for one in series}) != 1:
        raise ValueError(f"series must be given and cover the same bars, held {[one.size for one in series]}.")
    samples = [require_series("series", one, bars=2) for one in series]
    value = float(statistic(*samples))
    if samples[0].size < _MINIMUM_BARS:
        return ConfidenceInterval(value, value, value, float(level), Outcome.TOO_SHORT)
    if all(deviation(one) == 0.0 for one in samples):
        return ConfidenceInterval(value, value, value, float(level), Outcome.CONSTANT)
    length = block_bars if block_bars is not None else _block_bars(samples)
    bootstrap = StationaryBootstrap(length, *samples, seed=np.random.default_rng(seed))
    draws = bootstrap.apply(lambda *resampled: np.array([statistic(*resampled)]), resamples)
    tail = 0.5 * (1.0 - float(level))
    lower, upper = np.quantile(draws, [tail, 1.0 - tail])
    return ConfidenceInterval(value, float(lower), float(upper), float(level), Outcome.OK)


def sharpe_interval(
    net_returns: Float[np.ndarray, " bars"],
    *,
    seed: int,
    level: Number = 0.95,
    resamples: int = 999,
    block_bars: int | None = None,
    bars_per_year: Number = 252,
) -> ConfidenceInterval:
    """Bootstrap the annualised Sharpe ratio; arguments as in `bootstrap_interval`."""

    def sharpe(returns):
        spread = deviation(returns)
        return float(np.mean(returns)) / spread * float(bars_per_year) ** 0.5 if spread > 0.0 else 0.0

    return bootstrap_interval(sharpe, net_returns, seed=seed, level=level, resamples=resamples, block_bars=block_bars)


def expected_shortfall_interval(
    net_returns: Float[np.ndarray, " bars"],
    *,
    seed: int,
    tail_probability: Number = 0.05,
    level: Number = 0.95,
    resamples: int = 999,
    block_bars: int | None = None,
) -> ConfidenceInterval:
    """Bootstrap the expected shortfall of one bar; arguments as in `bootstrap_interval`."""

    def shortfall(returns):
        return tail_risk(returns, tail_probability=tail_probability).expected_shortfall

    return bootstrap_interval(
        shortfall, net_returns, seed=seed, level=level, resamples=resamples, block_bars=block_bars
    )


def _block_bars(samples: list[np.ndarray]) -> int:
    """Return the mean block length that the most persistent of the series and their squares asks for."""
    varying = [one for one in samples if deviation(one) > 0.0]
    squares = [one**2 for one in varying if deviation(one**2) > 0.0]
    lengths = [float(optimal_block_length(one)["stationary"].iloc[0]) for one in varying + squares]
    longest = max((length for length in lengths if np.isfinite(length)), default=1.0)
    return int(np.clip(np.ceil(longest), 1, samples[0].size // 4))
