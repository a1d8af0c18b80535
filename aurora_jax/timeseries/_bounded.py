"""Minimisation of a smooth function of a few parameters inside a box: projected, damped Newton.

The one adapter of all families. L-BFGS-B (jaxopt) was the other candidate: these problems have at most a handful of
parameters, so the exact Hessian is cheap, and a damped step needs no line search under `vmap`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


class Minimum(NamedTuple):
    """Where the minimisation stopped.

    Attributes:
        point: the best point found, inside the box.
        value: objective there.
        converged: True where no step inside the box promises more than the tolerance.
        evaluations: of the objective and its derivatives.
    """

    point: Float[Array, " parameters"]
    value: Float[Array, ""]
    converged: Bool[Array, ""]
    evaluations: Int[Array, ""]


class _Search(NamedTuple):
    candidate: Float[Array, " parameters"]
    point: Float[Array, " parameters"]
    value: Float[Array, ""]
    gradient: Float[Array, " parameters"]
    hessian: Float[Array, "parameters parameters"]
    damping: Float[Array, ""]
    converged: Bool[Array, ""]
    evaluations: Int[Array, ""]


def minimise(
    objective: Callable[[Float[Array, " parameters"]], Float[Array, ""]],
    start: Float[Array, " parameters"],
    *,
    lower: Float[Array, " parameters"],
    upper: Float[Array, " parameters"],
    tolerance: float = 1e-12,
    max_evaluations: int = 100,
) -> Minimum:
    r"""Minimise inside a box by damped Newton steps on the free parameters.

    A parameter at a bound whose gradient points outwards is held. The others move by
    $\Delta = -D (|H| + \lambda I)^{-1} D g$, cut at the box, where $D$ scales the Hessian to a unit diagonal and $|H|$
    has its eigenvalues made positive. A step that does not improve is withdrawn and $\lambda$ raised.
    Converged: $(1 + \lambda) |g' \Delta| <$ `tolerance`; for a negative log-likelihood the optimum is then about
    $\sqrt{\text{tolerance}}$ standard errors away.

    References:
        Bertsekas (1982), SIAM J. Control Optim. 20(2), 221-246, eq. 32 (the held set);
        Nocedal and Wright (2006), Numerical Optimization, section 3.4 (positive eigenvalues) and 10.3 (damping).
    """

    def slopes(point):
        def value_and_gradient(p):
            value, gradient = jax.value_and_grad(objective)(p)
            return gradient, (value, gradient)

        hessian, (value, gradient) = jax.jacfwd(value_and_gradient, has_aux=True)(point)
        return value, gradient, hessian

    def newton(point, gradient, hessian, damping) -> tuple[Float[Array, " parameters"], Float[Array, ""]]:
        held = ((point <= lower) & (gradient > 0.0)) | ((point >= upper) & (gradient < 0.0))
        free = jnp.where(held, 0.0, 1.0)
        # Held parameters keep a unit eigenvalue of their own and no gradient, so they stay where they are.
        diagonal = jnp.abs(jnp.diagonal(hessian))
        unit = free / jnp.sqrt(jnp.maximum(diagonal, 1e-12 * jnp.max(diagonal)) + 1e-30)
        scaled = hessian * unit[:, None] * unit[None, :] + jnp.diag(1.0 - free)
        eigenvalues, vectors = jnp.linalg.eigh(scaled)
        slope = vectors.T @ (unit * gradient)
        step = -unit * (vectors @ (slope / (jnp.maximum(jnp.abs(eigenvalues), 1e-9) + damping)))
        return step, (1.0 + damping) * jnp.abs(gradient @ step)

    def advance(search: _Search) -> _Search:
        value, gradient, hessian = slopes(search.candidate)
        better = value < search.value
        point = jnp.where(better, search.candidate, search.point)
        gradient = jnp.where(better, gradient, search.gradient)
        hessian = jnp.where(better, hessian, search.hessian)
        damping = jnp.where(better, jnp.maximum(search.damping / 10.0, 1e-10), search.damping * 8.0)
        step, promise = newton(point, gradient, hessian, damping)
        return _Search(
            candidate=jnp.clip(point + step, lower, upper),
            point=point,
            value=jnp.where(better, value, search.value),
            gradient=gradient,
            hessian=hessian,
            damping=damping,
            converged=promise < tolerance,
            evaluations=search.evaluations + 1,
        )

    def going(search: _Search) -> Bool[Array, ""]:
        return ~search.converged & (search.evaluations < max_evaluations)

    start = jnp.clip(start, lower, upper)
    # The start is the first candidate, so that the derivatives are compiled once. It beats a value of +inf.
    search = lax.while_loop(
        going,
        advance,
        _Search(
            candidate=start,
            point=start,
            value=jnp.full((), jnp.inf, start.dtype),
            gradient=jnp.zeros_like(start),
            hessian=jnp.eye(start.size, dtype=start.dtype),
            damping=jnp.full((), 1e-2, start.dtype),
            converged=jnp.zeros((), bool),
            evaluations=jnp.zeros((), int),
        ),
    )
    return Minimum(search.point, search.value, search.converged, search.evaluations)
