"""Is the whole lower tail of the forecast laws where it should be?"""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc
from jaxtyping import Array, Float

from aurora_jax.core import Number, require_x64

from .expected_shortfall import Draws
from .forecasts import Days, check_tail_probability
from .simulated_null import SimulatedTest, against_simulated

Quantile: TypeAlias = Callable[[Float[Array, " nodes"]], Float[Array, " nodes"]]
_REACH, _STEP = 4.0, 1.0 / 24.0  # of the double exponential rule: 1e-10 for tails as heavy as Student-t(3)


def acerbi_szekely_ranked(
    returns: Days,
    mean: Days,
    scale: Days,
    *,
    quantile: Quantile,
    tail_probability: Number,
    simulated_residuals: Draws,
    significance: Number = 0.05,
) -> SimulatedTest:
    r"""Test the lower tails of forecasts $m_t + s_t F$ by Acerbi and Szekely's third statistic.

    With residuals $e_t = (X_t - m_t) / s_t$, of which $e_{(1)} \le e_{(2)} \le \dots$ are the smallest, and
    $k = \lfloor T p \rfloor$,

    $$Z_3 = 1 - \frac1T \sum_{t=1}^T \frac{m_t + s_t\, \frac1k \sum_{i \le k} e_{(i)}}{m_t + s_t\, \mu_k},
      \qquad \mu_k = E \frac1k \sum_{i \le k} e_{(i)} = \frac Tk \int_0^1 F^{-1}(u)\, I_{1-u}(T - k, k)\, du$$

    with the regularised incomplete beta function I. It is the paper's statistic for laws of one location-scale family,
    where the quantile of a day at another day's rank is $m_t + s_t e_{(i)}$. Negative where the tail was too light.

    Args:
        returns: X, a loss being negative.
        mean: m, of each day's forecast.
        scale: s > 0, of each day's forecast.
        quantile: $F^{-1}$ of probabilities in (0, 1), e.g. `partial(student_t_quantile, degrees_of_freedom=5.0)`.
        tail_probability: p in (0, 1), with T p >= 1.
        simulated_residuals: each row T draws from F.
        significance: of the critical value.

    Raises:
        ValueError: if T p < 1, a probability is out of range, there is no draw, or lengths differ.
        RuntimeError: at run time, if something is not finite, a scale is not positive, or a tail has no loss.

    References:
        Acerbi and Szekely (2014), Risk 27(11), 76-81, test 3, eq. 8 and 9.
    """
    require_x64("acerbi_szekely_ranked")
    check_tail_probability(tail_probability)
    x, centre, spread = (jnp.asarray(series, float) for series in (returns, mean, scale))
    simulated = jnp.asarray(simulated_residuals, float)
    days = x.size
    if not x.shape == centre.shape == spread.shape or simulated.shape[1:] != x.shape:
        raise ValueError(
            "returns, mean, scale and each simulated series must be as long as each other, "
            f"were {days}, {centre.size}, {spread.size} and {simulated.shape[1]}."
        )
    count = int(np.floor(days * float(tail_probability) + 1e-9))
    if count < 1:
        raise ValueError(f"tail_probability must leave a day in the tail: {days} days x {tail_probability} is below 1.")
    spread = eqx.error_if(spread, ~jnp.all(spread > 0.0), "scale must be > 0.")
    expected = expected_tail_mean(quantile, days=days, count=count)
    expected = eqx.error_if(expected, ~jnp.all(centre + spread * expected < 0.0), "the tail of a forecast has no loss.")

    def statistic(residuals: Float[Array, " days"]) -> Float[Array, ""]:
        seen = -jnp.mean(jax.lax.top_k(-residuals, count)[0])
        return 1.0 - jnp.mean((centre + spread * seen) / (centre + spread * expected))

    simulated = eqx.error_if(simulated, ~jnp.all(jnp.isfinite(simulated)), "simulated residuals must be finite.")
    residuals = (x - centre) / spread
    residuals = eqx.error_if(residuals, ~jnp.all(jnp.isfinite(residuals)), "returns, mean and scale must be finite.")
    return against_simulated(statistic(residuals), jax.vmap(statistic)(simulated), significance=significance)


def expected_tail_mean(quantile: Quantile, *, days: int, count: int) -> Float[Array, ""]:
    """Return the expected mean of the `count` smallest of `days` independent draws, by tanh-sinh quadrature."""
    node = jnp.arange(-_REACH, _REACH + 0.5 * _STEP, _STEP)
    # u = 1 / (1 + exp(-pi sinh s)) reaches both ends double-exponentially, which takes the infinite quantiles.
    inner = jnp.pi * jnp.sinh(node)
    probability, rest = jax.nn.sigmoid(inner), jax.nn.sigmoid(-inner)
    weight = jnp.pi * jnp.cosh(node) * probability * rest * _STEP
    below = betainc(jnp.full_like(rest, float(days - count)), jnp.full_like(rest, float(count)), rest)
    inside = (probability > 1e-280) & (rest > 1e-16)
    value = quantile(jnp.where(inside, probability, 0.5))
    return days / count * jnp.sum(jnp.where(inside, value * below * weight, 0.0))
