"""The Hurst exponent of noise whose jumps were taken out, by Whittle's likelihood with missing steps."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Estimate

from .chebyshev import interpolation_weights
from .degenerate import inspect, no_estimate
from .hurst import NODES, SHORTEST, centred, likeliest, periodogram, report, tables
from .truncation import truncate_jumps

_ROUNDS = 2
_CONJUGATE_STEPS = 4


def _fill(
    noise: Float[Array, " steps"], missing: Bool[Array, " steps"], precision: Float[Array, " frequencies"]
) -> Float[Array, " steps"]:
    """Return `noise` with missing steps at their conditional mean, by conjugate gradients on the circle."""

    def weigh(series):
        transform = jnp.fft.rfft(series)
        weighted = transform[1 : precision.size + 1] * precision.astype(transform.dtype)
        return jnp.fft.irfft(jnp.zeros_like(transform).at[1 : precision.size + 1].set(weighted), n=series.size)

    gap = missing.astype(noise.dtype)

    def descend(_, state):
        solution, residual, direction, square = state
        image = gap * weigh(direction)
        curvature = jnp.sum(direction * image)
        rate = square / jnp.where(curvature > 0.0, curvature, jnp.inf)
        solution, residual = solution + rate * direction, residual - rate * image
        after = jnp.sum(residual**2)
        direction = residual + after / jnp.where(square > 0.0, square, jnp.inf) * direction
        return solution, residual, direction, after

    residual = -gap * weigh(noise * (1.0 - gap))
    start = jnp.zeros_like(noise), residual, residual, jnp.sum(residual**2)
    solution, *_ = lax.fori_loop(0, _CONJUGATE_STEPS, descend, start)
    return jnp.where(missing, solution, noise)


def hurst_truncated(
    increments: Float[Array, " steps"], *, threshold_deviations: float = 3.5, window_steps: int = 128
) -> Estimate:
    r"""Estimate the Hurst exponent of fractional Gaussian noise with rare jumps.

    `truncate_jumps` says which steps jump. Whittle's likelihood then takes them as missing: two rounds of expectation
    and maximisation, in which a missing step is replaced by its mean given all others, and the periodogram is raised
    by what that mean does not know,

    $$E I(\lambda_k) = |\hat x(\lambda_k)|^2 + p\,\frac{\overline{I/f}}{\overline{1/f}}$$

    with p the share that is missing and $\hat x$ what was filled in.

    Replacing jumps by 0 instead would leave white noise in their place, of which 1 % moves H = .1 by .04.

    Args:
        increments: the noise itself, not its cumulated path; mean and scale do not matter.
        threshold_deviations: how many deviations of bipower volatility make a jump.
        window_steps: over which that volatility is taken.

    Returns:
        As `hurst_exponent`, with its standard error. Jumps below the threshold stay in and pull H towards 1/2.

    Raises:
        ValueError: if a setting is out of range.

    References:
        Dempster, Laird and Rubin (1977), J. R. Stat. Soc. B 39(1), 1-38; `truncate_jumps` for the rule.
    """
    increments = jnp.asarray(increments, float)
    kept, jump = truncate_jumps(increments, threshold_deviations=threshold_deviations, window_steps=window_steps)
    outcome = inspect(increments, minimum=SHORTEST)
    if increments.size < SHORTEST:
        return no_estimate(outcome)
    inverse_density = jnp.asarray(tables(increments.size).inverse_density, increments.dtype)
    missing_share = jnp.mean(jump.astype(increments.dtype))
    noise = centred(kept)

    def improve(_, position):
        precision = interpolation_weights(position, count=NODES) @ inverse_density
        expected = periodogram(_fill(noise, jump, precision))
        unknown = missing_share * jnp.mean(expected * precision) / jnp.mean(precision)
        return likeliest(inverse_density @ (expected + unknown))

    position = lax.fori_loop(0, _ROUNDS, improve, likeliest(inverse_density @ periodogram(noise)))
    return report(position, outcome, steps=increments.size)
