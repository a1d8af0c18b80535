"""Who excites whom: matrices of mean numbers of children, and when they do not explode."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .domain import refuse_if, within

_SQUARINGS = 40


def stable(name: str, matrix: Float[Array, "size size"]) -> Float[Array, "size size"]:
    r"""Return the non-negative `matrix`, refusing a spectral radius of 1 or more.

    The radius is below 1 exactly if the mean sizes of the families of each component, the solution of
    $(I - N^\top) x = 1$, are all positive: then $N^\top x < x$ (Collatz and Wielandt), and otherwise no such x exists.

    Raises:
        ValueError: at once, if the matrix is known; it names the radius.
        RuntimeError: when the traced computation runs, otherwise.

    References:
        Berman and Plemmons (1994), Nonnegative matrices in the mathematical sciences, theorem 6.2.3 (I_28).
    """
    if not isinstance(matrix, Tracer):
        radius = float(np.max(np.abs(np.linalg.eigvals(np.asarray(matrix)))))
        if not radius < 1.0:
            raise ValueError(f"the spectral radius of {name} must be less than 1, was {radius:.6g}.")
        return matrix
    families = jnp.linalg.solve(jnp.eye(len(matrix), dtype=matrix.dtype) - matrix.T, jnp.ones_like(matrix[0]))
    explosive = ~jnp.all((families > 0.0) & jnp.isfinite(families))
    return refuse_if(matrix, jnp.broadcast_to(explosive, matrix.shape), f"the spectral radius of {name} must be < 1")


def stable_branching(
    raw: Float[Array, "components components"], *, radius: float
) -> Float[Array, "components components"]:
    r"""Map any matrix to a branching matrix whose spectral radius is below `radius`, smoothly and one to one.

    $$N = r \frac{A}{1 + \rho(A)}, \qquad A = \log(1 + e^{raw}), \qquad \rho(N) = r \frac{\rho(A)}{1 + \rho(A)} < r$$

    Every matrix of positive entries whose spectral radius is below r is reached, from $A = N / (r - \rho(N))$.

    Raises:
        ValueError: if `radius` is not in (0, 1] or `raw` is not finite.
    """
    if not 0.0 < radius <= 1.0:
        raise ValueError(f"radius must lie in (0, 1], was {radius}.")
    positive = jax.nn.softplus(within("raw", raw, -math.inf))
    return radius * positive / (1.0 + perron_root(positive))


@jax.custom_jvp
def perron_root(matrix: Float[Array, "size size"]) -> Float[Array, ""]:
    r"""Return the largest eigenvalue of a matrix of positive entries, from above.

    $\rho \le \lVert A^k \rVert^{1/k}$ with $k = 2^{40}$ by repeated squaring (Gelfand): it needs no gap between the
    eigenvalues, which a cycle A excites B excites C excites A does not have. The derivative is
    $u v^\top / u^\top v$ [Magnus 1985, theorem 1] with the eigenvectors from bordered linear equations.

    References:
        Magnus (1985), On differentiating eigenvalues and eigenvectors, Econometric Theory 1(2), 179-191.
    """
    log_scale, power = jnp.zeros((), matrix.dtype), matrix
    for _ in range(_SQUARINGS):
        norm = _norm(power)
        power = power / norm
        log_scale, power = 2.0 * (log_scale + jnp.log(norm)), power @ power
    return jnp.exp((log_scale + jnp.log(_norm(power))) / 2.0**_SQUARINGS)


@perron_root.defjvp
def _perron_root_jvp(primals, tangents):
    (matrix,), (change,) = primals, tangents
    root = perron_root(matrix)
    left, right = _eigenvector(matrix.T, root), _eigenvector(matrix, root)
    return root, left @ change @ right / (left @ right)


def _norm(matrix: Float[Array, "size size"]) -> Float[Array, ""]:
    return jnp.max(jnp.sum(jnp.abs(matrix), axis=1))


def _eigenvector(matrix: Float[Array, "size size"], root: Float[Array, ""]) -> Float[Array, " size"]:
    """Return the right eigenvector that belongs to `root`, of sum 1."""
    size = matrix.shape[0]
    ones = jnp.ones((size, 1), matrix.dtype)
    shifted = matrix - root * jnp.eye(size, dtype=matrix.dtype)
    bordered = jnp.block([[shifted, ones], [ones.T, jnp.zeros((1, 1), matrix.dtype)]])
    return jnp.linalg.solve(bordered, jnp.zeros(size + 1, matrix.dtype).at[size].set(1.0))[:size]
