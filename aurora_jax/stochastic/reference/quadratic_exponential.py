"""Andersen's quadratic-exponential draw of a non-negative variable with given mean and variance."""

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

_SWITCH = 1.5  # variance / mean^2 from which a mass at 0 takes over; any number in [1, 2] will do
_SMALLEST_RATIO = 1e-12  # below, the variable is its mean to rounding


def _quadratic(mean, variance):
    """Return a, b of a (b + Z)^2 (Andersen 2008, eq. 27-28)."""
    ratio = 2.0 / jnp.clip(variance / mean**2, _SMALLEST_RATIO, _SWITCH)
    square = ratio - 1.0 + jnp.sqrt(ratio * (ratio - 1.0))
    return mean / (1.0 + square), jnp.sqrt(square)


def _exponential(mean, variance):
    """Return the mass p at 0 and the rate of the exponential tail (Andersen 2008, eq. 29-30)."""
    ratio = jnp.maximum(variance / mean**2, _SWITCH)
    mass = (ratio - 1.0) / (ratio + 1.0)
    return mass, (1.0 - mass) / mean


def quadratic_exponential(
    normal: Float[Array, ""], mean: Float[Array, ""], variance: Float[Array, ""]
) -> Float[Array, ""]:
    """Return a variable >= 0 that increases with `normal` and has this mean and variance if that is standard normal.

    Args:
        normal: standard normal.
        mean: > 0.
        variance: >= 0.

    References:
        Andersen (2008), Simple and efficient simulation of the Heston stochastic volatility model, J. Computational
        Finance 11(3), section 3.2.
    """
    scale, shift = _quadratic(mean, variance)
    mass, rate = _exponential(mean, variance)
    # P(Z > z) = ndtr(-z) keeps its digits in the upper tail.
    tail = jnp.maximum(jnp.log((1.0 - mass) / ndtr(-normal)), 0.0) / rate
    return jnp.where(variance <= _SWITCH * mean**2, scale * (shift + normal) ** 2, tail)


def log_moment(argument: Float[Array, ""], mean: Float[Array, ""], variance: Float[Array, ""]) -> Float[Array, ""]:
    """Return log E exp(argument V) of the variable that `quadratic_exponential` draws, inf where it is infinite.

    References:
        Andersen (2008), proposition 9 and its proof.
    """
    scale, shift = _quadratic(mean, variance)
    mass, rate = _exponential(mean, variance)
    room, gap = 1.0 - 2.0 * argument * scale, rate - argument
    safe_room, safe_gap = jnp.where(room > 0.0, room, 1.0), jnp.where(gap > 0.0, gap, 1.0)
    quadratic = argument * scale * shift**2 / safe_room - 0.5 * jnp.log(safe_room)
    exponential = jnp.log(mass + rate * (1.0 - mass) / safe_gap)
    return jnp.where(
        variance <= _SWITCH * mean**2,
        jnp.where(room > 0.0, quadratic, jnp.inf),
        jnp.where(gap > 0.0, exponential, jnp.inf),
    )
