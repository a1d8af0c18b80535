"""The square root of a positive semi-definite matrix, differentiable where eigenvalues meet."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _decompose(matrix):
    """Return eigenvectors and the roots of the eigenvalues, 0 where those are negative or only rounding."""
    values, vectors = jnp.linalg.eigh(matrix)
    rounding = 4.0 * matrix.shape[0] * jnp.finfo(matrix.dtype).eps * jnp.max(jnp.abs(values))
    positive = values > rounding
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, values, 1.0)), 0.0), vectors


@jax.custom_jvp
def positive_root(matrix: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """Return the symmetric square root of `matrix` with its negative eigenvalues set to 0."""
    roots, vectors = _decompose(matrix)
    return (vectors * roots[None, :]) @ vectors.T


@positive_root.defjvp
def _positive_root_jvp(primals, tangents):
    # With A A = S, dA solves A dA + dA A = dS: in the eigenbasis a division by a_i + a_j, which unlike the
    # derivative of the eigenvectors is finite when eigenvalues coincide. Where both are 0 the root has a kink;
    # the derivative along it is set to 0.
    (matrix,), (change,) = primals, tangents
    roots, vectors = _decompose(matrix)
    sums = roots[:, None] + roots[None, :]
    inner = jnp.where(sums > 0.0, vectors.T @ change @ vectors / jnp.where(sums > 0.0, sums, 1.0), 0.0)
    return (vectors * roots[None, :]) @ vectors.T, vectors @ inner @ vectors.T
