"""The scores on which conformal methods are compared."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..core import PRNGKey, stream


class ScoredSeries(NamedTuple):
    """One series as every method sees it.

    Attributes:
        name: of the series.
        group: of series that are told of together.
        scores: |target - forecast| / scale.
        scales: of the forecasts, in the target's unit.
    """

    name: str
    group: str
    scores: Float[np.ndarray, " bars"]
    scales: Float[np.ndarray, " bars"]


def scored_forecasts(name: str, group: str, observed: np.ndarray, forecast: np.ndarray) -> ScoredSeries:
    """Return the absolute errors of given forecasts, at scale 1."""
    return ScoredSeries(name, group, np.abs(observed - forecast), np.ones(len(observed)))


def scored_returns(
    name: str, group: str, returns: Float[np.ndarray, " bars"], *, decay: float = 0.94, start_bars: int = 50
) -> ScoredSeries:
    r"""Score returns against 0 and RiskMetrics' deviation, $h_{t+1} = a h_t + (1 - a) x_t^2$, of the bars before.

    The variance starts from the mean square of the returns until `start_bars` of them were not 0; these are not scored.
    It is held above .01 of the mean square of all bars until then, so that a market that stood still does not divide
    by 0.

    Args:
        name: of the series.
        group: of it.
        returns: log returns.
        decay: a.
        start_bars: returns other than 0 to start from.

    Raises:
        ValueError: if there are no more than that.
    """
    square = np.asarray(returns, float) ** 2
    floor = 0.01 * np.cumsum(square) / np.arange(1, len(square) + 1)
    first = int(np.searchsorted(np.cumsum(square > 0.0), start_bars)) + 1
    if first >= len(square):
        raise ValueError(f"{name}: {np.count_nonzero(square)} returns other than 0 are too few to start from.")
    variance, now = np.empty(len(square) - first), square[:first].mean()
    for place, bar in enumerate(range(first, len(square))):
        variance[place] = max(now, floor[bar - 1])
        now = decay * now + (1.0 - decay) * square[bar]
    scales = np.sqrt(variance)
    return ScoredSeries(name, group, np.abs(returns[first:]) / scales, scales)


def simulated_shift(name: str, key: PRNGKey, *, bars: int = 5000) -> ScoredSeries:
    r"""Score an AR(1) with outliers whose law changes half way, against a forecaster that never learns of it.

    $x_t = \phi x_{t-1} + e_t$, from $\phi = .6$, $e \sim N(0, 1)$ to $\phi = -.3$, $e \sim N(0, 2.5^2)$; 2 % of the
    shocks are 6 times as large. The forecast is $.5 x_{t-1}$ throughout, at scale 1.
    """
    late = jnp.arange(bars) >= bars // 2
    outlier = jax.random.uniform(stream(key, "outliers"), (bars,)) < 0.02
    shocks = jax.random.normal(stream(key, "shocks"), (bars,)) * jnp.where(late, 2.5, 1.0)
    shocks = shocks * jnp.where(outlier, 6.0, 1.0)
    phi = jnp.where(late, -0.3, 0.6)

    def step(x, bar):
        after = bar[0] * x + bar[1]
        return after, after

    _, path = jax.lax.scan(step, jnp.zeros(()), (phi, shocks))
    path = np.asarray(path)
    return scored_forecasts(name, "simulated", path, 0.5 * np.concatenate([[0.0], path[:-1]]))
