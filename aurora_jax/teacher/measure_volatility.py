"""What the teacher observes of its volatility factor: a cross-sectional realised measure and its error."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import digamma, polygamma
from jaxtyping import Array, Float


class VolatilityMeasure(NamedTuple):
    """Log-volatility read off each bar's cross-section of returns.

    Attributes:
        log_volatility: unbiased reading of the factor that drove the bar's return, one column.
        error_variance: variance of the reading's error, known from the cross-section's effective size.
    """

    log_volatility: Float[Array, "bars factors"]
    error_variance: Float[Array, ""]


def cross_sectional_log_volatility(returns: Float[Array, "bars assets"]) -> VolatilityMeasure:
    r"""Read the common log-volatility factor off each bar's cross-section of returns.

    With $r = e^{v} L \epsilon$ and each asset scaled to unit variance, the mean of squares over assets is close to
    $e^{2v} \chi^2_k / k$ with $k = (\mathrm{tr} R)^2 / \mathrm{tr} R^2$ effective degrees of freedom, so that
    $y = \tfrac12 \log(\text{mean square}) - \tfrac12 (\psi(k/2) - \log(k/2))$ is unbiased for v, with error variance
    $\tfrac14 \psi_1(k/2)$. Jumps enter the reading as they enter volatility itself.

    Args:
        returns: log returns; an asset or a bar that never moves is the caller's to remove.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2(6), 110-114, for the effective degrees of freedom.
    """
    centred = returns - jnp.mean(returns, axis=0, keepdims=True)
    scaled = centred / jnp.std(centred, axis=0, keepdims=True)
    correlation = scaled.T @ scaled / returns.shape[0]
    assets = returns.shape[1]
    half_size = 0.5 * assets**2 / jnp.sum(correlation**2)
    # A bar in which nothing traded would read -infinity; a thousandth of the typical spread is no information.
    mean_square = jnp.maximum(jnp.mean(scaled**2, axis=1), 1e-6)
    bias = 0.5 * (digamma(half_size) - jnp.log(half_size))
    reading = 0.5 * jnp.log(mean_square) - bias
    return VolatilityMeasure(reading[:, None], 0.25 * polygamma(1, half_size).astype(returns.dtype))
