"""What one asset tells of its volatility factor: the range of each bar, and its error."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .measure_volatility import VolatilityMeasure

# Mean and variance of log(max - min) of a standard Brownian motion on [0, 1], to the digits of double precision: the
# first two derivatives at p = 0 of the log of E R^p = (4 / sqrt pi) Gamma((p+1)/2) (1 - 4 / 2^p) 2^(p/2) zeta(p - 1).
LOG_RANGE_MEAN = 0.425676060928078
LOG_RANGE_VARIANCE = 0.082180677823047
_PARKINSON = 2.772588722239781  # 4 log 2
_DEVIATIONS = 4.0
_BARS_OF_MEAN = 10.0
_FIRST_BARS = 21  # whose median stands for the past of the first bar


def range_log_volatility(
    high: Float[Array, " bars"],
    low: Float[Array, " bars"],
    reference_variance: Float[Array, ""] | None = None,
) -> tuple[VolatilityMeasure, Float[Array, ""]]:
    r"""Read the log-volatility factor of one asset off the range of each bar.

    For a Brownian log price of volatility $\sigma e^{v}$ during the bar,
    $\log \log (H / L) = v + \log \sigma + m + \epsilon$ with $m = 0.4257$ and $\mathrm{Var}\, \epsilon = 0.0822$: a
    reading almost Gaussian and 15 times as exact as that of the bar's own return. $\sigma^2$ is the mean over bars of
    Parkinson's $(\log H/L)^2 / (4 \log 2)$, so that readings are relative to the period's own level: what happens
    overnight is left out of both, as a constant share of the whole.

    Bars with hardly a trade have a range of a tick or none, which says nothing of volatility; readings are kept above
    the causal mean of those before them less 4 deviations of $\epsilon$, below which no Brownian bar reads.

    Args:
        high: highest price of each bar.
        low: lowest, above 0 and not above `high`.
        reference_variance: sigma^2 of the period in whose units the readings shall be; None takes that of these bars.

    Returns:
        The readings, and the sigma^2 that they are relative to.

    Raises:
        RuntimeError: at run time, if a price is not positive or a range negative.

    References:
        Alizadeh, Brandt and Diebold (2002), J. Finance 57(3), 1047-1091, table I; Parkinson (1980), J. Business 53(1).
    """
    wrong = jnp.any(~(low > 0.0) | ~(high >= low))
    spread = jnp.log(eqx.error_if(high, wrong, "ranges need 0 < low <= high.") / low)
    own = jnp.mean(spread**2) / _PARKINSON
    variance = own if reference_variance is None else jnp.asarray(reference_variance, spread.dtype)
    floor = 1e-3 * jnp.sqrt(variance)  # of a bar without range, which has no logarithm
    reading = _above_the_past(jnp.log(jnp.maximum(spread, floor)) - LOG_RANGE_MEAN - 0.5 * jnp.log(variance))
    error = jnp.asarray(LOG_RANGE_VARIANCE, spread.dtype)
    return VolatilityMeasure(reading[:, None], error), variance


def _above_the_past(reading: Float[Array, " bars"]) -> Float[Array, " bars"]:
    """Raise what lies below all that a Brownian bar of the volatility until then could read."""
    reach = _DEVIATIONS * LOG_RANGE_VARIANCE**0.5

    def bound(mean, found):
        kept = jnp.maximum(found, mean - reach)
        return mean + (kept - mean) / (1.0 + _BARS_OF_MEAN), kept

    return jax.lax.scan(bound, jnp.median(reading[:_FIRST_BARS]), reading)[1]
