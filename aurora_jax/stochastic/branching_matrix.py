"""Who excites whom: matrices of mean numbers of children, and when they do not explode."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def stable_branching(
    raw: Float[Array, "components components"], *, largest: float
) -> Float[Array, "components components"]:
    r"""Map any matrix to a branching matrix whose spectral radius is below `largest`, smoothly.

    $$N = \rho \frac{A}{1 + \max_j \sum_i A_{ij}}, \qquad A = \log(1 + e^{raw})$$

    Its largest column sum, the mean number of children of an event, is below $\rho$ and bounds the spectral radius.

    Raises:
        ValueError: if `largest` is not in (0, 1].
    """
    if not 0.0 < largest <= 1.0:
        raise ValueError(f"largest must lie in (0, 1], was {largest}.")
    positive = jax.nn.softplus(raw)
    return largest * positive / (1.0 + jnp.max(jnp.sum(positive, axis=0)))


def spectral_radius(matrix: Float[Array, "size size"]) -> Float[Array, ""]:
    """Return the largest eigenvalue of a non-negative matrix, by repeated squaring (Gelfand's formula)."""
    log_norm = jnp.zeros((), matrix.dtype)
    power = matrix
    for _ in range(16):
        norm = jnp.maximum(jnp.max(power), jnp.finfo(matrix.dtype).tiny)
        power = power / norm
        log_norm = 2.0 * (log_norm + jnp.log(norm))
        power = power @ power
    return jnp.exp((log_norm + jnp.log(jnp.maximum(jnp.max(power), jnp.finfo(matrix.dtype).tiny))) / 2.0**16)
