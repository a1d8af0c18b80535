"""Which of two forecasts loses less?"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import stats


class ForecastComparison(NamedTuple):
    """A Diebold-Mariano test.

    Attributes:
        statistic: negative where the first forecast loses less.
        p_value: two-sided.
        p_value_better: one-sided; small where the first forecast is better.
        p_value_worse: one-sided; small where it is worse.
    """

    statistic: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]
    p_value_better: Float[Array, "*batch"]
    p_value_worse: Float[Array, "*batch"]


def diebold_mariano(
    losses: Float[Array | np.ndarray, " periods"],
    benchmark_losses: Float[Array | np.ndarray, " periods"],
    *,
    horizon: int = 1,
    lags: int | None = None,
) -> ForecastComparison:
    r"""Test that two forecasts lose the same on average.

    With $d$ the difference of the losses, T periods and horizon h,

    $$DM = \sqrt{\frac{T + 1 - 2h + h (h - 1) / T}{T}} \; \frac{\bar d}{\sqrt{\hat\omega / T}} \sim t_{T - 1}$$

    where $\hat\omega$ is the Newey-West long-run variance with `lags` lags (statsmodels). Identical losses give
    statistic 0; a difference that never varies gives an infinite one. Runs outside jit.

    Args:
        losses: of the forecast under test, one a period.
        benchmark_losses: of the other, same periods.
        horizon: h, periods ahead of both forecasts.
        lags: of the long-run variance; h - 1 by default.

    Raises:
        ValueError: if lengths differ, there are fewer than 2 periods, h or lags is out of range, or a loss is not
            finite.

    References:
        Harvey, Leybourne and Newbold (1997), International J. Forecasting 13, 281-291, eq. 9.
    """
    # statsmodels takes three seconds to import, which a service that only prices risk need not pay.
    from statsmodels.tsa.stattools import diebold_mariano_test

    first, second = np.asarray(losses, float), np.asarray(benchmark_losses, float)
    lags = horizon - 1 if lags is None else lags
    if first.shape != second.shape:
        raise ValueError(f"both forecasts need a loss for each period, had {first.size} and {second.size}.")
    if first.size < 2:
        raise ValueError(f"diebold_mariano needs at least 2 periods, were {first.size}.")
    if not 1 <= horizon < first.size or not 0 <= lags < first.size:
        raise ValueError(f"horizon and lags must lie below {first.size} periods, were {horizon} and {lags}.")
    if not (np.all(np.isfinite(first)) and np.all(np.isfinite(second))):
        raise ValueError("losses must be finite: drop the periods in which either forecast is missing.")
    difference = first - second
    if np.ptp(difference) == 0.0:
        # Zero variance: the library would divide by it.
        statistic = float(np.sign(difference[0]) * np.inf) if difference[0] else 0.0
    else:
        statistic = diebold_mariano_test(
            np.zeros(first.size),
            first,
            second,
            criterion=lambda _, loss: loss,  # pyright: ignore[reportArgumentType] (a callable is documented)
            lags=lags,
            harvey_adj=True,
            horizon=horizon,
        ).statistic
    better = stats.t.cdf(statistic, first.size - 1)
    worse = stats.t.sf(statistic, first.size - 1)
    return ForecastComparison(*(jnp.asarray(v, float) for v in (statistic, 2 * min(better, worse), better, worse)))
