"""Fractional noise written as a causal filter of innovations, so that others may share them."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number

from .covariance import fractional_covariance


def causal_factor(hurst: Float[Array, " steps"], *, step_size: Number = 1.0) -> Float[Array, "steps steps"]:
    r"""Return the lower-triangular C with $C C^\top$ = `fractional_covariance(hurst)`.

    The covariance's diagonal is raised by steps x machine epsilon, relative to itself (6e-14 for 256 steps in
    double precision, 3e-5 in single), so that rounding cannot make it indefinite.

    Raises:
        ValueError: naming an exponent outside (0, 1).
        RuntimeError: at run time, if the covariance is not positive definite all the same.
    """
    covariance = fractional_covariance(hurst, step_size=step_size)
    jitter = covariance.shape[0] * jnp.finfo(covariance.dtype).eps
    factor = jnp.linalg.cholesky(covariance + jitter * jnp.diag(jnp.diag(covariance)))
    failed = ~jnp.all(jnp.isfinite(factor))
    return eqx.error_if(factor, failed, "fractional covariance is not positive definite: use double precision.")


def causal_fractional_noise(
    innovations: Float[Array, " steps"], *, hurst: Float[Array, " steps"], step_size: Number = 1.0
) -> Float[Array, " steps"]:
    """Return multifractional Brownian increments driven by independent standard normal `innovations`.

    The increment at step t depends on innovations up to t only, so a price that shares the innovations stays
    unpredictable from the noise. Exact in law; costs steps^3 / 3, so compute `causal_factor` once for many paths
    that share their Hurst exponents.

    Args:
        innovations: independent standard normals (unit variance whatever the step size).
        hurst: one exponent in (0, 1) for each step.
        step_size: h > 0; increment t has variance h^(2 H_t).
    """
    return causal_factor(hurst, step_size=step_size) @ innovations
