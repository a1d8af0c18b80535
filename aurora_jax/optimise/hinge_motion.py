r"""How the minimiser of a hinge program, and its least value, move with the program: the implicit function theorem.

At a minimiser some rows lie on their hinge, some weights on a bound, and under the maximum norm some weights tie for
the largest. While that set stays the same these are equations $K x = k$ in $x = (w, t)$ and the rest of the objective
is smooth, so that the optimality conditions are a square system. Its derivative is solved here in d + 1 variables.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .hinge_program import HingeProgram
from .norm_penalty import Face

_ACTIVE = 1e-6
"""Programs are of unit scale and solved to 1e-10: what is closer than this is equal, what is farther is not."""

_RANK = 1e-11
"""Share of the largest eigenvalue below which one counts as 0."""


class HingeMotion(NamedTuple):
    """Tangents of the minimiser (w, t) and of the least value."""

    weights: Float[Array, " d"]
    threshold: Float[Array, ""]
    value: Float[Array, ""]


class _ActiveSet(NamedTuple):
    """Which equations hold at a minimiser: rows beyond and on their hinge, weights on a bound, weights that tie."""

    tail: Bool[Array, " rows"]
    kink: Bool[Array, " rows"]
    at_lower: Bool[Array, " d"]
    at_upper: Bool[Array, " d"]
    face: Face


def hinge_motion(
    program: HingeProgram, moved: HingeProgram, weights: Float[Array, " d"], threshold: Float[Array, ""]
) -> HingeMotion:
    r"""Return how minimiser and least value of `program` move when its numbers move by `moved`.

    With the Lagrangian $L(x, y; \theta)$ of the active equations, H its Hessian in x, N a basis of the null space of K
    and dots for tangents,

    $$\dot x = p - N (N^T H N)^+ N^T (\dot\theta\, \partial_\theta \nabla_x L + H p), \quad
      p = K^+ (\dot k - \dot K x), \qquad \dot f = \dot\theta\, \partial_\theta L.$$

    The second is the envelope theorem and needs no motion of the minimiser. Linear in `moved`.

    Where the active set is about to change, this is the derivative of the set as it is, one of several. Where its
    equations depend on each other, as duplicate rows do, or leave directions without curvature, as a program without
    norm may, minimiser and multipliers are the least-squares solutions of least length.

    Args:
        program: of unit scale, as `minimise_hinges` takes it.
        moved: a tangent of each of its arrays.
        weights: the minimiser w.
        threshold: its t, on the hinge of some row.

    References:
        Fiacco (1983), Introduction to Sensitivity and Stability Analysis in Nonlinear Programming, theorem 3.2.2 and
        corollary 3.4.1 (envelope).
    """
    x = jnp.append(weights, threshold)
    residual = program.offset - x @ program.columns
    active = _active_set(program, weights, residual)
    gradient = jnp.append(program.linear + program.norm_cost * active.face.gradient, program.threshold_cost)
    gradient = gradient - program.columns @ jnp.where(active.tail, program.cost, 0.0)
    held, free = _pseudo_inverse(_gram(program, active))

    # Multipliers y with K'y = gradient, of rows and of bounds.
    direction = held @ gradient
    row_dual = jnp.where(active.kink, direction @ program.columns, 0.0)
    bound_dual = jnp.where(active.at_lower | active.at_upper, direction[:-1], 0.0)
    spent = row_dual + jnp.where(active.tail, program.cost, 0.0)

    residual_moved = moved.offset - x @ moved.columns
    bound_moved = jnp.where(active.at_lower, moved.lower, jnp.where(active.at_upper, moved.upper, 0.0))
    tail_cost_moved = jnp.where(active.tail, moved.cost, 0.0)
    value = (
        moved.linear @ weights
        + moved.threshold_cost * threshold
        + moved.norm_cost * program.norm.value(weights)
        + tail_cost_moved @ residual
        + spent @ residual_moved
        + bound_dual @ bound_moved
    )

    to_stay = program.columns @ jnp.where(active.kink, residual_moved, 0.0) + jnp.append(bound_moved, 0.0)
    particular = held @ to_stay
    slope_moved = jnp.append(moved.linear + moved.norm_cost * active.face.gradient, moved.threshold_cost)
    slope_moved = slope_moved - moved.columns @ spent - program.columns @ tail_cost_moved
    curvature = jnp.zeros_like(held).at[:-1, :-1].set(program.norm_cost * active.face.curvature)
    inverse, _ = _pseudo_inverse(free @ curvature @ free)
    motion = particular - inverse @ (free @ (slope_moved + curvature @ particular))
    return HingeMotion(motion[:-1], motion[-1], value)


def _active_set(program: HingeProgram, weights: Float[Array, " d"], residual: Float[Array, " rows"]) -> _ActiveSet:
    # A row that costs nothing, or a tie under a norm that costs nothing, holds nobody.
    kink = (jnp.abs(residual) <= _ACTIVE) & (program.cost > 0.0)
    at_lower = weights - program.lower <= _ACTIVE
    at_upper = (program.upper - weights <= _ACTIVE) & ~at_lower
    face = program.norm.face(weights, tolerance=_ACTIVE)
    face = face._replace(ties=jnp.where(program.norm_cost > 0.0, face.ties, 0.0))
    return _ActiveSet((residual > 0.0) & ~kink, kink, at_lower, at_upper, face)


def _gram(program: HingeProgram, active: _ActiveSet) -> Float[Array, "columns columns"]:
    """Return K'K, the budget's row of ones included."""
    rows = jnp.where(active.kink[None], program.columns, 0.0) @ program.columns.T
    bounds = jnp.diag((active.at_lower | active.at_upper).astype(rows.dtype))
    return rows.at[:-1, :-1].add(bounds + active.face.ties + 1.0)


def _pseudo_inverse(
    symmetric: Float[Array, "size size"],
) -> tuple[Float[Array, "size size"], Float[Array, "size size"]]:
    """Return the pseudo-inverse of a positive semi-definite matrix and the projection on its null space."""
    eigenvalues, vectors = jnp.linalg.eigh(symmetric)
    kept = eigenvalues > _RANK * eigenvalues[-1]
    inverse = jnp.where(kept, 1.0 / jnp.where(kept, eigenvalues, 1.0), 0.0)
    null = jnp.where(kept[None], 0.0, vectors)
    return (vectors * inverse[None]) @ vectors.T, null @ null.T
