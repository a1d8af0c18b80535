"""Fractional Gaussian noise by circulant embedding."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey

from .counter_random import normal_pair
from .covariance import second_difference
from .domain import at_least, within


def circulant_row(covariance: Float[Array, "*channels lags"]) -> Float[Array, "*channels circle"]:
    """Close covariances at lags 0..n to a circle of 2n: gamma(0..n), gamma(n-1..1)."""
    return jnp.concatenate([covariance, covariance[..., -2:0:-1]], axis=-1)


def hartley(waves: Float[Array, "*channels circle"]) -> Float[Array, "*channels steps"]:
    r"""Return the first half of the unitary Hartley transform along the last axis.

    $$y_j = \frac{1}{\sqrt{2n}} \sum_{k=0}^{2n-1} w_k \Bigl(\cos\frac{\pi jk}{n} + \sin\frac{\pi jk}{n}\Bigr)$$

    It diagonalises symmetric circulant matrices, as Fourier's transform does, but maps real numbers to real numbers: 2n
    independent normals times the roots of the eigenvalues become noise of that covariance, with nothing to lay out as
    a Hermitian spectrum first.

    References:
        Bracewell (1983), J. Opt. Soc. Am. 73(12), 1832-1835, eq. 3.
    """
    circle = waves.shape[-1]
    spectrum = jnp.fft.rfft(waves)[..., : circle // 2]
    return (spectrum.real - spectrum.imag) / math.sqrt(circle)


def colour(
    normals: tuple[Float[Array, " steps"], Float[Array, " steps"]], *, hurst: Float[Array, ""]
) -> Float[Array, " steps"]:
    """Map two rows of n independent standard normals to n steps of unit fractional noise; linear in `normals`."""
    first, second = normals
    steps = first.shape[0]
    covariance = 0.5 * second_difference(np.arange(steps + 1), 2.0 * hurst)
    # All 2n of them, although they mirror: XLA would otherwise mirror them anew for every path.
    eigenvalues = jnp.fft.fft(circulant_row(covariance)).real
    # Non-negative in exact arithmetic for every exponent in (0, 1); the inner `where` keeps the gradient finite.
    positive = eigenvalues > 0.0
    roots = jnp.where(positive, jnp.sqrt(jnp.where(positive, eigenvalues, 1.0)), 0.0)
    # Joined after the products: XLA computes each row in one pass from its random bits on.
    return hartley(jnp.concatenate([roots[:steps] * first, roots[steps:] * second]))


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
    return step_size**hurst * colour(normal_pair(key, steps), hurst=hurst)
