"""Second-order laws of fractional noise: one Hurst exponent for all steps, or one for each."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .domain import within

_SERIES_FROM = 8  # lag from which the binomial series is exact to rounding
_SERIES_TERMS = 7


def _power(base: np.ndarray, exponent: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return base ** exponent with 0 ** exponent = 0 and a gradient in the exponent that is never NaN."""
    safe = jnp.asarray(np.where(base == 0, 1, base), exponent.dtype)
    return jnp.where(base == 0, 0.0, safe**exponent)


def second_difference(lags: np.ndarray, exponent: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return $|k-1|^p - 2|k|^p + |k+1|^p$ to full relative precision, also in single precision.

    From lag 8 on the differences cancel (in float32 nothing is left at lag 1000), so the binomial series
    $2 k^p \sum_{m \ge 1} \binom{p}{2m} k^{-2m}$ replaces them.

    Args:
        lags: k, static integers >= 0; a scalar exponent or one of the same rank.
        exponent: p in (0, 2).
    """
    near = np.minimum(lags, _SERIES_FROM)
    direct = _power(np.abs(near - 1), exponent) - 2.0 * _power(near, exponent) + _power(near + 1, exponent)

    binomials = [0.5 * exponent * (exponent - 1.0)]
    for m in range(2, 2 * _SERIES_TERMS, 2):
        binomials.append(binomials[-1] * (exponent - m) * (exponent - m - 1.0) / ((m + 1.0) * (m + 2.0)))
    far = np.maximum(lags, _SERIES_FROM)
    inverse_square = jnp.asarray(1.0 / far.astype(float) ** 2, exponent.dtype)
    series = jnp.zeros_like(inverse_square * exponent)
    for binomial in reversed(binomials):
        series = series * inverse_square + binomial
    return jnp.where(lags < _SERIES_FROM, direct, 2.0 * _power(far, exponent) * inverse_square * series)


def cross_scale(first: Float[Array, "..."], second: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return the scale of the covariance between fractional motions of two exponents, 1/2 if they are equal.

    $$D(x, y) = \frac{\sqrt{\Gamma(2x+1)\Gamma(2y+1)\sin(\pi x)\sin(\pi y)}}
                     {2\,\Gamma(x+y+1)\sin(\pi(x+y)/2)}$$

    References:
        Ayache, Cohen and Lévy Véhel (2000), The covariance structure of multifractional Brownian motion, ICASSP.
    """
    log_gamma = 0.5 * (gammaln(2.0 * first + 1.0) + gammaln(2.0 * second + 1.0)) - gammaln(first + second + 1.0)
    sines = jnp.sqrt(jnp.sin(jnp.pi * first) * jnp.sin(jnp.pi * second)) / jnp.sin(0.5 * jnp.pi * (first + second))
    return 0.5 * jnp.exp(log_gamma) * sines


def fractional_covariance(hurst: Float[Array, " steps"], *, step_size: Number = 1.0) -> Float[Array, "steps steps"]:
    r"""Return the covariance of multifractional Brownian increments, one Hurst exponent a step.

    $$\mathrm{cov}_{ij} = D(H_i, H_j)\,(|k-1|^p - 2|k|^p + |k+1|^p)\,h^p, \qquad k = |i-j|,\; p = H_i + H_j$$

    Step i is the increment over [i, i+1] of the fractional motion of exponent H_i; all exponents share one
    harmonisable random measure. Equal exponents give fractional Gaussian noise.

    Args:
        hurst: exponents in (0, 1).
        step_size: h > 0, the length of a step.

    Raises:
        ValueError: naming an exponent outside (0, 1).
    """
    hurst = within("hurst", hurst, 0.0, 1.0)
    step_size = within("step_size", step_size, 0.0)
    first, second = jnp.broadcast_arrays(hurst[:, None], hurst[None, :])
    index = np.arange(hurst.shape[0])
    lags = np.abs(index[:, None] - index[None, :])
    exponent = first + second
    return cross_scale(first, second) * second_difference(lags, exponent) * step_size**exponent
