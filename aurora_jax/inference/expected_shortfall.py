"""Is the loss beyond the value at risk as large as the expected shortfall says?"""

from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Number, require_x64

from .forecasts import Days, check_tail_probability, screened
from .simulated_null import SimulatedTest, against_simulated

Draws: TypeAlias = Float[Array | np.ndarray, "_ _"]
"""Each row a series drawn from the laws that the forecasts belong to."""


def acerbi_szekely_statistic(
    returns: Days, value_at_risk: Days, expected_shortfall: Days, *, tail_probability: Number
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
        ValueError: if p is out of range, there is no day, or the series differ in length.
        RuntimeError: at run time, if something is not finite, an expected shortfall is not positive or is below its
            value at risk, or the value at risk is negative on every day.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, eq. 6.
    """
    require_x64("acerbi_szekely")
    check_tail_probability(tail_probability)
    x, bound, shortfall = screened(returns, value_at_risk, expected_shortfall)
    return 1.0 + jnp.sum(_excess(x, bound, shortfall)) / (x.size * tail_probability)


def acerbi_szekely(
    returns: Days,
    value_at_risk: Days,
    expected_shortfall: Days,
    *,
    tail_probability: Number,
    simulated_returns: Draws,
    significance: Number = 0.05,
) -> SimulatedTest:
    r"""Test expected shortfall and value at risk together, by $Z_2$, against laws that are simulated, not assumed.

    One-sided: small where risk was underestimated. `forecast_draws` simulates normal and Student-t forecasts.

    Args:
        returns: what happened, a loss being negative.
        value_at_risk: forecast for each day, as a positive loss.
        expected_shortfall: likewise, > 0.
        tail_probability: p of both forecasts, in (0, 1).
        simulated_returns: each row a series drawn from the laws that the forecasts belong to.
        significance: of the critical value.

    Raises:
        ValueError: if there is no draw, a probability is out of range, or the series differ in length.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, eq. 6 and the simulated significance after eq. 8.
    """
    statistic = acerbi_szekely_statistic(returns, value_at_risk, expected_shortfall, tail_probability=tail_probability)
    simulated, bound, shortfall = _same_days(simulated_returns, value_at_risk, expected_shortfall)
    null = 1.0 + jnp.sum(_excess(simulated, bound, shortfall), axis=1) / (bound.shape[1] * tail_probability)
    return against_simulated(statistic, null, significance=significance)


def acerbi_szekely_conditional(
    returns: Days,
    value_at_risk: Days,
    expected_shortfall: Days,
    *,
    simulated_returns: Draws,
    significance: Number = 0.05,
) -> SimulatedTest:
    r"""Test expected shortfall alone, given a value at risk that is right, by the first statistic.

    $$Z_1 = 1 + \frac1N \sum_{t=1}^T \frac{X_t\, 1[X_t < -VaR_t]}{ES_t}, \qquad N = \#\{t : X_t < -VaR_t\}$$

    It does not see how often the value at risk is exceeded. Without any exceedance there is no $Z_1$: the outcome is
    TOO_SHORT; simulated series without one are left out.

    Args:
        returns: what happened, a loss being negative.
        value_at_risk: forecast for each day, as a positive loss.
        expected_shortfall: likewise, > 0.
        simulated_returns: each row a series drawn from the laws that the forecasts belong to.
        significance: of the critical value.

    Raises:
        ValueError: if there is no draw, the significance is out of range, or the series differ in length.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, test 1, eq. 5.
    """
    require_x64("acerbi_szekely")
    x, own_bound, own_shortfall = screened(returns, value_at_risk, expected_shortfall)
    simulated, bound, shortfall = _same_days(simulated_returns, value_at_risk, expected_shortfall)
    statistic, defined = _conditional(x, own_bound, own_shortfall)
    null, null_defined = jax.vmap(_conditional)(
        simulated, jnp.broadcast_to(bound, simulated.shape), jnp.broadcast_to(shortfall, simulated.shape)
    )
    return against_simulated(statistic, null, significance=significance, defined=defined, null_defined=null_defined)


def _excess(x: Float[Array, "..."], bound: Float[Array, "..."], shortfall: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.where(x < -bound, x / shortfall, 0.0)


def _conditional(
    x: Float[Array, " days"], bound: Float[Array, " days"], shortfall: Float[Array, " days"]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """Return Z_1 and whether it exists."""
    hits = jnp.sum(x < -bound, dtype=float)
    return 1.0 + jnp.sum(_excess(x, bound, shortfall)) / jnp.maximum(hits, 1.0), hits > 0.0


def _same_days(
    simulated_returns: Draws, value_at_risk: Days, expected_shortfall: Days
) -> tuple[Float[Array, "draws days"], Float[Array, "1 days"], Float[Array, "1 days"]]:
    simulated = jnp.asarray(simulated_returns, float)
    bound, shortfall = jnp.asarray(value_at_risk, float), jnp.asarray(expected_shortfall, float)
    if simulated.shape[0] == 0:
        raise ValueError("simulated_returns must hold at least one draw, held none.")
    if simulated.shape[1] != bound.size:
        raise ValueError(
            f"simulated_returns must hold {bound.size} days a draw, as returns do, held {simulated.shape[1]}."
        )
    # NaN would pass for a day without a loss.
    simulated = eqx.error_if(simulated, ~jnp.all(jnp.isfinite(simulated)), "simulated returns must be finite.")
    return simulated, bound[None, :], shortfall[None, :]
