"""Can anything known the day before foretell a breach of the value at risk?"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.stats import chi2
from jaxtyping import Array, Float

from aurora_jax.core import Number, require_x64

from .coverage import Hits, as_flags
from .forecasts import Days, check_tail_probability


class DynamicQuantileResult(NamedTuple):
    """A dynamic quantile test.

    Attributes:
        statistic: of the regression.
        p_value: from chi-squared.
        degrees_of_freedom: regressors that are not combinations of others: a value at risk that never moves is the
            constant again, and without any breach so are its lags.
    """

    statistic: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]
    degrees_of_freedom: Float[Array, "*batch"]


def dynamic_quantile(
    hits: Hits, value_at_risk: Days, *, tail_probability: Number, lags: int = 4
) -> DynamicQuantileResult:
    r"""Test that breaches have probability p whatever the last breaches and the value at risk itself were.

    With $h_t = 1[\text{hit}_t] - p$ and regressors $Z_t = (1, h_{t-1}, \dots, h_{t-L}, VaR_t)$,

    $$DQ = \frac{h' Z (Z' Z)^{-1} Z' h}{p (1 - p)} \sim \chi^2_{\mathrm{rank} Z}$$

    Args:
        hits: one entry a day, oldest first: true (or not 0) where the loss exceeded the value at risk.
        value_at_risk: forecast for each day.
        tail_probability: p in (0, 1); known at trace time.
        lags: L >= 0, days of past breaches.

    Raises:
        ValueError: if p or the lags are out of range, the series differ in length, or there are not more days than
            regressors and lags.
        RuntimeError: at run time, if a value at risk is not finite.

    References:
        Engle and Manganelli (2004), J. Business and Economic Statistics 22(4), 367-381, theorem 4 (out of sample).
    """
    require_x64("dynamic_quantile")
    check_tail_probability(tail_probability)
    broken, bound = as_flags(hits), jnp.asarray(value_at_risk, float)
    if lags < 0:
        raise ValueError(f"lags must be at least 0, was {lags}.")
    if broken.shape != bound.shape:
        raise ValueError(f"hits and value_at_risk must have the same length, were {broken.size} and {bound.size}.")
    if broken.size <= 2 * lags + 2:
        raise ValueError(f"dynamic_quantile needs more than {2 * lags + 2} days with {lags} lags, were {broken.size}.")
    bound = eqx.error_if(bound, ~jnp.all(jnp.isfinite(bound)), "value_at_risk must be finite.")
    h = jnp.where(broken, 1.0, 0.0) - tail_probability
    today = h[lags:]
    past = [h[lags - lag : h.size - lag] for lag in range(1, lags + 1)]
    columns = jnp.stack([jnp.ones_like(today), *past, bound[lags:]], axis=1)
    explained, rank = _explained(columns, today)
    statistic = explained / (tail_probability * (1.0 - tail_probability))
    return DynamicQuantileResult(statistic, chi2.sf(statistic, rank), rank)


def _explained(
    columns: Float[Array, "days columns"], target: Float[Array, " days"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the sum of squares of `target` that `columns` explain, and their rank."""
    # Columns of unit length, so that neither the unit of money nor rare hits decide what counts as rounding.
    length = jnp.sqrt(jnp.sum(columns**2, axis=0))
    unit = columns / jnp.where(length > 0.0, length, 1.0)[None, :]
    left, singular, _ = jnp.linalg.svd(unit, full_matrices=False)
    kept = jnp.where(singular > 1e-9 * singular[0], 1.0, 0.0)
    return jnp.sum(kept * (left.T @ target) ** 2), jnp.sum(kept)
