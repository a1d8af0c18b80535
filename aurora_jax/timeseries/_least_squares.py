"""Ordinary least squares by normal equations, safe where columns are collinear."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float


class LeastSquares(NamedTuple):
    """Coefficients, the inverse Gram matrix, and what the regression leaves.

    Attributes:
        coefficients: one for each column.
        inverse_gram: (Z'Z)^-1; times the residual variance, the covariance of the coefficients.
        residuals: y - Z coefficients.
        variance: mean square of the residuals (maximum likelihood: divided by the rows).
    """

    coefficients: Float[Array, " columns"]
    inverse_gram: Float[Array, "columns columns"]
    residuals: Float[Array, " rows"]
    variance: Float[Array, ""]

    @property
    def standard_errors(self) -> Float[Array, " columns"]:
        """Return the standard error of each coefficient."""
        return jnp.sqrt(self.variance * jnp.diagonal(self.inverse_gram))


def least_squares(columns: Float[Array, "rows columns"], target: Float[Array, " rows"]) -> LeastSquares:
    """Regress `target` on `columns`, both of order one.

    A ridge of 1e-12 of the rows keeps collinear columns (a price that moved once) solvable; on well-posed windows
    it changes a coefficient by about 1e-12.
    """
    rows, width = columns.shape
    gram = columns.T @ columns + 1e-12 * rows * jnp.eye(width)
    factor = cho_factor(gram)
    coefficients = cho_solve(factor, columns.T @ target)
    residuals = target - columns @ coefficients
    return LeastSquares(coefficients, cho_solve(factor, jnp.eye(width)), residuals, jnp.mean(residuals**2))
