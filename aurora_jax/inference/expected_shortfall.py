"""Is the loss beyond the value at risk as large as the expected shortfall says?"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, TestResult, require_x64


def acerbi_szekely_statistic(
    returns: Float[Array | np.ndarray, " days"],
    value_at_risk: Float[Array | np.ndarray, " days"],
    expected_shortfall: Float[Array | np.ndarray, " days"],
    *,
    tail_probability: Number,
) -> Float[Array, ""]:
    r"""Return Acerbi and Szekely's second statistic.

    $$Z_2 = 1 + \sum_{t=1}^T \frac{X_t\, 1[X_t < -VaR_t]}{T p\, ES_t}$$

    It is 0 on average where both forecasts are right, and negative where losses beyond the value at risk are larger or
    more frequent than forecast.

    Args:
        returns: X, a loss being negative.
        value_at_risk: forecast for each day, as a positive loss.
        expected_shortfall: likewise, > 0.
        tail_probability: p of both forecasts, in (0, 1).

    Raises:
        ValueError: if p is out of range.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, eq. 6.
    """
    require_x64("acerbi_szekely")
    if not 0.0 < tail_probability < 1.0:
        raise ValueError(f"tail_probability must lie in (0, 1), was {tail_probability}.")
    x, bound, shortfall = (jnp.asarray(series, float) for series in (returns, value_at_risk, expected_shortfall))
    shortfall = eqx.error_if(shortfall, ~jnp.all(shortfall > 0.0), "expected_shortfall must be > 0, a positive loss.")
    bad = ~jnp.all(jnp.isfinite(x) & jnp.isfinite(bound) & jnp.isfinite(shortfall))
    x = eqx.error_if(x, bad, "returns, value_at_risk and expected_shortfall must be finite.")
    excess = jnp.where(x < -bound, x / shortfall, 0.0)
    return 1.0 + jnp.sum(excess) / (x.size * tail_probability)


def acerbi_szekely(
    returns: Float[Array | np.ndarray, " days"],
    value_at_risk: Float[Array | np.ndarray, " days"],
    expected_shortfall: Float[Array | np.ndarray, " days"],
    *,
    tail_probability: Number,
    simulated_returns: Float[Array | np.ndarray, "draws days"],
) -> TestResult:
    r"""Test expected shortfall against laws that are simulated, not assumed.

    The p-value is $(1 + \#\{Z_2^{(i)} \le Z_2\}) / (1 + M)$ over M series drawn from the forecast laws: one-sided,
    small where risk was underestimated.

    Args:
        returns: what happened, a loss being negative.
        value_at_risk: forecast for each day, as a positive loss.
        expected_shortfall: likewise, > 0.
        tail_probability: p of both forecasts, in (0, 1).
        simulated_returns: each row a series drawn from the laws that the forecasts belong to.

    Raises:
        ValueError: if there is no draw or p is out of range.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, eq. 6 and the simulated significance after eq. 8.
    """
    simulated = jnp.asarray(simulated_returns, float)
    if simulated.shape[0] == 0:
        raise ValueError("simulated_returns must hold at least one draw, held none.")
    bound, shortfall = jnp.asarray(value_at_risk, float), jnp.asarray(expected_shortfall, float)
    statistic = acerbi_szekely_statistic(returns, bound, shortfall, tail_probability=tail_probability)
    excess = jnp.where(simulated < -bound[None, :], simulated / shortfall[None, :], 0.0)
    null = 1.0 + jnp.sum(excess, axis=1) / (bound.size * tail_probability)
    null = eqx.error_if(null, ~jnp.all(jnp.isfinite(null)), "simulated_returns must be finite.")
    as_low = jnp.sum(null <= statistic, dtype=float)
    return TestResult(statistic, (1.0 + as_low) / (1.0 + null.size))
