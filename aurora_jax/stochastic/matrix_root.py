"""The square root of a positive semi-definite matrix, differentiable where eigenvalues meet."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _decompose(matrix):
    """Return eigenvalues, eigenvectors and the eigenvalues' roots, 0 where they are negative or only rounding."""
    values, vectors = jnp.linalg.eigh(matrix)
    rounding = 4.0 * matrix.shape[0] * jnp.finfo(matrix.dtype).eps * jnp.max(jnp.abs(values))
    positive = values > rounding
    return values, vectors, jnp.where(positive, jnp.sqrt(jnp.where(positive, values, 1.0)), 0.0)


@jax.custom_jvp
def positive_root(matrix: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """Return the symmetric square root of `matrix` with its negative eigenvalues set to 0."""
    _, vectors, roots = _decompose(matrix)
    return (vectors * roots[None, :]) @ vectors.T


@positive_root.defjvp
def _positive_root_jvp(primals, tangents):
    # In the eigenbasis the derivative multiplies by the divided differences (a_i - a_j) / (s_i - s_j) of the root a(s)
    # (Daleckii and Krein 1965). Between positive eigenvalues that is 1 / (a_i + a_j), finite when they coincide, unlike
    # the derivative of the eigenvectors. Where both are 0 the root has a kink; the derivative along it is set to 0.
    (matrix,), (change,) = primals, tangents
    values, vectors, roots = _decompose(matrix)
    sums = roots[:, None] + roots[None, :]
    both = (roots[:, None] > 0.0) & (roots[None, :] > 0.0)
    one = (sums > 0.0) & ~both
    distance = jnp.where(one, jnp.abs(values[:, None] - values[None, :]), 1.0)
    factor = jnp.where(both, 1.0 / jnp.where(both, sums, 1.0), jnp.where(one, sums / distance, 0.0))
    return (vectors * roots[None, :]) @ vectors.T, vectors @ (factor * (vectors.T @ change @ vectors)) @ vectors.T
