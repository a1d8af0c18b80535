"""Fractional Gaussian noise by circulant embedding."""

import math

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from aurora_jax.core import Number, PRNGKey

from .covariance import second_difference
from .domain import at_least, within


def circulant_row(covariance: Float[Array, "*channels lags"]) -> Float[Array, "*channels circle"]:
    """Close covariances at lags 0..n to a circle of 2n: gamma(0..n), gamma(n-1..1)."""
    return jnp.concatenate([covariance, covariance[..., -2:0:-1]], axis=-1)


def hermitian_noise(normals: Float[Array, "circle ..."]) -> Complex[Array, "frequencies ..."]:
    """Lay 2n real normals out as the n + 1 distinct coefficients of white noise's Fourier transform.

    Coefficients 0 and n are real with variance 1; the others are complex with variance 1/2 in each part.
    """
    half = normals.shape[0] // 2
    edge, middle = normals[:1], math.sqrt(0.5) * normals[1:half]
    real = jnp.concatenate([edge, middle, normals[half : half + 1]])
    none = jnp.zeros_like(edge)
    return lax.complex(real, jnp.concatenate([none, math.sqrt(0.5) * normals[half + 1 :], none]))


def colour(normals: Float[Array, " circle"], *, hurst: Float[Array, ""]) -> Float[Array, " steps"]:
    """Map 2n independent standard normals to n steps of unit fractional Gaussian noise; linear in `normals`."""
    circle = normals.shape[0]
    covariance = 0.5 * second_difference(np.arange(circle // 2 + 1), 2.0 * hurst)
    eigenvalues = jnp.fft.rfft(circulant_row(covariance)).real
    # Non-negative in exact arithmetic for every exponent in (0, 1); the inner `where` keeps the gradient finite.
    positive = eigenvalues > 0.0
    roots = jnp.where(positive, jnp.sqrt(jnp.where(positive, eigenvalues, 1.0)), 0.0)
    circular = jnp.fft.irfft(lax.complex(roots, jnp.zeros_like(roots)) * hermitian_noise(normals), n=circle)
    return math.sqrt(circle) * circular[: circle // 2]


def fractional_gaussian_noise(
    key: PRNGKey, *, hurst: Number, steps: int, step_size: Number = 1.0
) -> Float[Array, " steps"]:
    r"""Draw increments of fractional Brownian motion, exact in law.

    $$\gamma(k) = \tfrac12 h^{2H} (|k-1|^{2H} - 2|k|^{2H} + |k+1|^{2H})$$

    Args:
        key: spent here.
        hurst: H in (0, 1); 1/2 is white noise. The draw is differentiable in it.
        steps: number of increments; powers of two are fastest.
        step_size: h > 0; the variance of an increment is h^(2H).

    Raises:
        ValueError: if `hurst`, `steps` or `step_size` is out of range.

    References:
        Davies and Harte (1987), Biometrika 74(1), 95-101; Dietrich and Newsam (1997), SIAM J. Sci. Comput. 18(4).
    """
    at_least("steps", steps, 1)
    hurst = within("hurst", hurst, 0.0, 1.0)
    step_size = within("step_size", step_size, 0.0)
    return step_size**hurst * colour(jr.normal(key, (2 * steps,)), hurst=hurst)
