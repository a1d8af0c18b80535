"""What the teacher observes of its volatility factor: a cross-sectional realised measure and its error."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import digamma, polygamma
from jaxtyping import Array, Float


class CrossSection(NamedTuple):
    """What a reading is relative to, taken from one period and used for any other.

    Attributes:
        mean: return of each asset.
        deviation: of each asset's return; a reading of 0 is a bar of that size.
        effective_size: degrees of freedom k of a bar's mean square.
    """

    mean: Float[Array, " assets"]
    deviation: Float[Array, " assets"]
    effective_size: Float[Array, ""]


class VolatilityMeasure(NamedTuple):
    """Log-volatility read off each bar's cross-section of returns.

    Attributes:
        log_volatility: unbiased reading of the factor that drove the bar's return, one column.
        error_variance: variance of the reading's error, known from the cross-section's effective size.
        cross_section: what the readings are relative to, where they were read off one.
    """

    log_volatility: Float[Array, "bars factors"]
    error_variance: Float[Array, ""]
    cross_section: CrossSection | None = None


def cross_sectional_log_volatility(
    returns: Float[Array, "bars assets"], cross_section: CrossSection | None = None
) -> VolatilityMeasure:
    r"""Read the common log-volatility factor off each bar's cross-section of returns.

    With $r = e^{v} L \epsilon$ and each asset scaled to unit variance, the mean of squares over assets is close to
    $e^{2v} \chi^2_k / k$ with $k = (\mathrm{tr} R)^2 / \mathrm{tr} R^2$ effective degrees of freedom, so that
    $y = \tfrac12 \log(\text{mean square}) - \tfrac12 (\psi(k/2) - \log(k/2))$ is unbiased for v, with error variance
    $\tfrac14 \psi_1(k/2)$. Jumps enter the reading as they enter volatility itself.

    Args:
        returns: log returns; an asset or a bar that never moves is the caller's to remove.
        cross_section: of the period whose units the readings shall have; None takes that of `returns`. Later returns
            measured in their own units would read 0 on average however volatile they were.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2(6), 110-114, for the effective degrees of freedom.
    """
    own = _cross_section(returns) if cross_section is None else cross_section
    scaled = (returns - own.mean[None, :]) / own.deviation[None, :]
    half_size = 0.5 * own.effective_size
    # A bar in which nothing traded would read -infinity; a thousandth of the typical spread is no information.
    mean_square = jnp.maximum(jnp.mean(scaled**2, axis=1), 1e-6)
    bias = 0.5 * (digamma(half_size) - jnp.log(half_size))
    reading = 0.5 * jnp.log(mean_square) - bias
    return VolatilityMeasure(reading[:, None], 0.25 * polygamma(1, half_size).astype(returns.dtype), own)


def _cross_section(returns: Float[Array, "bars assets"]) -> CrossSection:
    mean, deviation = jnp.mean(returns, axis=0), jnp.std(returns, axis=0)
    scaled = (returns - mean[None, :]) / deviation[None, :]
    correlation = scaled.T @ scaled / returns.shape[0]
    return CrossSection(mean, deviation, returns.shape[1] ** 2 / jnp.sum(correlation**2))
