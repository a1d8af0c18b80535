"""Arithmetic of characteristic functions: complex, and accurate where differences are small."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Inexact


def as_complex(*values: Inexact[Array, "..."]) -> tuple[Complex[Array, "..."], ...]:
    """Return every value as complex, of its own precision: mixed arithmetic is refused under strict promotion."""
    return tuple(v if jnp.iscomplexobj(v) else lax.complex(v, jnp.zeros_like(v)) for v in values)


def expm1_over(z: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
    """Return (exp(z) - 1) / z, which is 1 at 0."""
    small = jnp.abs(z) < 1e-5
    safe = jnp.where(small, jnp.ones_like(z), z)
    # The series, so that derivatives exist at 0 too; the term left out is below 1e-16.
    series = 1.0 + z * (0.5 + z * (1.0 / 6.0 + z / 24.0))
    return jnp.where(small, series, jnp.expm1(safe) / safe)


def refuse_complex(name: str, value: Inexact[Array, "..."]) -> None:
    """Refuse complex values where a function means nothing off the real axis.

    Raises:
        ValueError: naming the type found.
    """
    if jnp.iscomplexobj(value):
        raise ValueError(f"{name} must be real for a law without exponential moments, was {value.dtype}.")
