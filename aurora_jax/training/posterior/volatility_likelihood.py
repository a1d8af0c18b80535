"""How likely readings of log-volatility are: fractional noise seen through reading errors."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number
from aurora_jax.stochastic.covariance import second_difference

_TERMS = 40


def reading_autocovariance(
    *, hurst: Number, volatility_of_volatility: Number, error_variance: Number, steps: int
) -> Float[Array, " steps"]:
    r"""Return the autocovariance of differenced readings $y_t = \nu B^H_t + e_t$ at lags 0 up to `steps` - 1.

    $$\gamma(k) = \tfrac12 \nu^2 (|k-1|^{2H} - 2|k|^{2H} + |k+1|^{2H}) + s^2 (2 \cdot 1_{k=0} - 1_{k=1})$$

    Args:
        hurst: H in (0, 1).
        volatility_of_volatility: nu, deviation of the factor's change over one bar.
        error_variance: s^2 of the white reading error.
        steps: at least 2.
    """
    hurst, scale = jnp.asarray(hurst, float), jnp.asarray(volatility_of_volatility, float)
    lags = np.arange(steps)
    fractional = 0.5 * second_difference(lags, 2.0 * hurst) * scale**2
    return fractional + jnp.asarray(error_variance, float) * jnp.asarray(2.0 * (lags == 0) - (lags == 1))


def expected_periodogram(autocovariance: Float[Array, " steps"]) -> Float[Array, " frequencies"]:
    r"""Return the exact mean of the periodogram strictly between frequency 0 and one half.

    $$\bar f(\lambda) = \sum_{|k| < n} (1 - |k|/n)\, \gamma(k)\, e^{-i k \lambda}$$

    References:
        Sykulski, Olhede, Guillaumin, Lilly and Early (2019), Biometrika 106(2), 251-266, eq. 7.
    """
    steps = autocovariance.shape[0]
    tapered = autocovariance * jnp.asarray(1.0 - np.arange(steps) / steps)
    mean = 2.0 * jnp.fft.fft(tapered).real - autocovariance[0]
    return mean[1 : (steps - 1) // 2 + 1]


def periodogram(increments: Float[Array, " steps"]) -> Float[Array, " frequencies"]:
    """Return the squared Fourier coefficients over n strictly between 0 and one half; the mean does not enter."""
    steps = increments.shape[0]
    return jnp.abs(jnp.fft.fft(increments)[1 : (steps - 1) // 2 + 1]) ** 2 / steps


class SpectrumTable(NamedTuple):
    """The expected periodogram of any parameters, in a few numbers a frequency.

    Attributes:
        fractional: of unit fractional noise, as Chebyshev coefficients in 2 H - 1.
        error: of differenced unit white noise.
    """

    fractional: Float[Array, "terms frequencies"]
    error: Float[Array, " frequencies"]


def spectrum_table(steps: int) -> SpectrumTable:
    r"""Return the table for `steps` differenced readings.

    Autocovariances are entire in H (sums of $k^{2H}$), so a polynomial of degree 39 gives their transform to rounding;
    the sampler then needs a small matrix product for each gradient, and no powers of every lag.

    Raises:
        ValueError: if there are fewer than 3 steps, which have no frequency to look at.
    """
    if steps < 3:
        raise ValueError(f"steps must be at least 3, was {steps}.")
    place = np.polynomial.chebyshev.chebpts1(_TERMS)
    # Compiled as a whole: op by op, powers at every lag would be compiled one by one.
    white = {"volatility_of_volatility": 1.0, "error_variance": 0.0, "steps": steps}
    of_hurst = jax.jit(jax.vmap(lambda hurst: expected_periodogram(reading_autocovariance(hurst=hurst, **white))))
    rows = np.asarray(of_hurst(jnp.asarray(0.5 * (place + 1.0))))
    to_coefficients = np.linalg.inv(np.polynomial.chebyshev.chebvander(place, _TERMS - 1))
    nothing = {"volatility_of_volatility": 0.0, "error_variance": 1.0, "steps": steps}
    error = expected_periodogram(reading_autocovariance(hurst=0.5, **nothing))
    return SpectrumTable(jnp.asarray(to_coefficients @ rows), error)


def expected_power(
    table: SpectrumTable, *, hurst: Number, volatility_of_volatility: Number, error_variance: Number
) -> Float[Array, " frequencies"]:
    """Return `expected_periodogram` of `reading_autocovariance` at these parameters, from the table."""
    x = 2.0 * jnp.asarray(hurst, float) - 1.0
    terms = [jnp.ones_like(x), x]
    for _ in range(2, table.fractional.shape[0]):
        terms.append(2.0 * x * terms[-1] - terms[-2])
    fractional = jnp.stack(terms) @ table.fractional
    scale = jnp.asarray(volatility_of_volatility, float)
    return scale**2 * fractional + jnp.asarray(error_variance, float) * table.error


def volatility_log_likelihood(
    power: Float[Array, " frequencies"],
    table: SpectrumTable,
    *,
    hurst: Number,
    volatility_of_volatility: Number,
    error_variance: Number,
) -> Float[Array, ""]:
    r"""Return the debiased Whittle log-likelihood of differenced readings.

    $$\ell = -\sum_{0 < \lambda_k < \pi} \Bigl(\log \bar f(\lambda_k) + \frac{I(\lambda_k)}{\bar f(\lambda_k)}\Bigr)$$

    Approximation: Fourier coefficients are taken as independent complex normals. Their variances are exact, so neither
    aliasing nor the leakage of a rough path's ends biases H, as it does with the spectral density in place of its mean
    over the window; their small correlations are left out. One FFT, where the exact likelihood needs n^2 steps.

    Args:
        power: `periodogram` of the differenced readings.
        table: `spectrum_table` of as many.
        hurst: H in (0, 1).
        volatility_of_volatility: nu, deviation of the factor's change over one bar.
        error_variance: s^2 of the white reading error.

    References:
        Sykulski et al. (2019), Biometrika 106(2), 251-266, eq. 6.
    """
    mean = expected_power(
        table, hurst=hurst, volatility_of_volatility=volatility_of_volatility, error_variance=error_variance
    )
    # Positive in exact arithmetic; where rounding leaves nothing, the draw is refused and is not NaN.
    mean = jnp.maximum(mean, 1e-300)
    return -jnp.sum(jnp.log(mean) + power / mean)
