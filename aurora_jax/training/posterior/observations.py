"""What the calibration sees of a market: readings of log-volatility, the bars with a jump, and the jumps' sizes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from aurora_jax.config.posterior import JumpConfig

SHORTEST_BARS = 256
_WARM_UP_HALF_LIVES = 5.0


class Observations(NamedTuple):
    """The reduced data of one market.

    Attributes:
        increments: differenced readings of log-volatility.
        error_variance: of one reading, as its measure promises.
        event_bars: bars with a jump, ascending, counted from 0.
        excesses: size of each jump over the threshold, in predicted deviations.
        bars: number of bars in which jumps were looked for.
    """

    increments: Float[np.ndarray, " steps"]
    error_variance: float
    event_bars: Int[np.ndarray, " events"]
    excesses: Float[np.ndarray, " events"]
    bars: int


def observe(
    returns: Float[np.ndarray, " steps"],
    readings: Float[np.ndarray, " bars"],
    *,
    error_variance: float,
    jumps: JumpConfig,
) -> Observations:
    r"""Reduce a market's returns and readings to what the calibration is of.

    A bar is a jump if $|r_t - \bar r| > c\, \hat\sigma_t$, and its excess is $|r_t - \bar r| / \hat\sigma_t - c$, with
    the volatility predicted from earlier bars only. Approximations: $\hat\sigma_t$ is taken for the volatility itself;
    of Gaussian bars 0.27 % are beyond c = 3 as well, so the intensity holds them.

    Args:
        returns: log returns of the market, or of its equal-weight basket.
        readings: of log-volatility, one a bar; see `aurora_jax.teacher.range_log_volatility` and
            `cross_sectional_log_volatility`.
        error_variance: of a reading.
        jumps: what is taken for a jump.

    Raises:
        ValueError: if a series is too short, holds NaN or infinity, does not vary, or has too few jumps.
    """
    for name, series in (("returns", returns), ("readings", readings)):
        _check(name, series)
    deviation = predicted_deviation(returns, half_life_bars=jumps.half_life_bars)
    skipped = min(max(round(_WARM_UP_HALF_LIVES * jumps.half_life_bars), 2), returns.size // 2)
    if not np.all(deviation[skipped:] > 0.0):
        flat = skipped + int(np.argmin(deviation[skipped:]))
        raise ValueError(
            f"returns do not move before bar {flat}, so no volatility can be predicted; take longer bars or a longer "
            f"jumps.half_life_bars than {jumps.half_life_bars:g}."
        )
    size = np.abs(returns - np.median(returns))[skipped:] / deviation[skipped:]
    events = np.flatnonzero(size > jumps.threshold_deviations)
    if events.size < jumps.minimum_events:
        raise ValueError(
            f"{events.size} of {size.size} returns exceed {jumps.threshold_deviations:g} predicted deviations and at "
            f"least {jumps.minimum_events} are needed; lower jumps.threshold_deviations or give a longer history."
        )
    return Observations(
        np.diff(readings),
        float(error_variance),
        events.astype(np.int64),
        size[events] - jumps.threshold_deviations,
        size.size,
    )


def predicted_deviation(returns: Float[np.ndarray, " steps"], *, half_life_bars: float) -> Float[np.ndarray, " steps"]:
    r"""Return the volatility predicted for each bar: an exponential average of bipower variation before it.

    $$\hat\sigma_{t+1}^2 = \frac{\sum_{s \le t} w^{t-s} \frac\pi2 |r_s||r_{s-1}|}{\sum_{s \le t} w^{t-s}}$$

    A lone jump enters next to an ordinary return only, and so does not hide the next one. NaN in the first two bars,
    which have no pair before them.

    References:
        Barndorff-Nielsen and Shephard (2004), J. Financial Econometrics 2(1), 1-37, eq. 5.
    """
    size = np.abs(returns - np.median(returns))
    left = 0.5 ** (1.0 / half_life_bars)
    total, weight = 0.0, 0.0
    deviation = np.full(returns.shape, np.nan)
    for bar in range(2, returns.size):
        total = left * total + 0.5 * np.pi * size[bar - 1] * size[bar - 2]
        weight = left * weight + 1.0
        deviation[bar] = np.sqrt(total / weight)
    return deviation


def _check(name: str, series: Float[np.ndarray, " bars"]) -> None:
    if series.size < SHORTEST_BARS:
        raise ValueError(f"{name}: {series.size} bars and at least {SHORTEST_BARS} are needed; give a longer history.")
    if not np.all(np.isfinite(series)):
        place = int(np.argmin(np.isfinite(series)))
        raise ValueError(f"{name}: bar {place} is {series[place]}; repair or remove it.")
    if np.ptp(series) == 0.0:
        raise ValueError(f"{name}: all {series.size} are {series[0]:g}; a constant series has no volatility.")
