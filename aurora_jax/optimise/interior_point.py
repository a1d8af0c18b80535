"""Mehrotra's predictor-corrector method for structured linear programs over orthants and second-order cones."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from . import second_order_cone as soc


class Cone(NamedTuple):
    """An element of the product of an orthant and one second-order cone (of size 0 where there is none)."""

    orthant: Float[Array, " m"]
    second_order: Float[Array, " k"]


class Scaling(NamedTuple):
    """Nesterov-Todd scaling: the diagonal dual / slack of the orthant, and the second-order part."""

    orthant: Float[Array, " m"]
    second_order: soc.NesterovTodd | None


class AbstractConicProgram(eqx.Module):
    r"""The program $\min q^T x$ subject to $s = h - G x \in K$ and linear equalities, with structure.

    A program solves its own Newton system, so that its structure (slacks to eliminate, diagonal blocks) is used;
    the method below knows only the cone.
    """

    @abc.abstractmethod
    def slack(self, x: PyTree) -> Cone:
        """Return h - G x."""

    @abc.abstractmethod
    def factor(self, scaling: Scaling) -> Any:
        r"""Return whatever `direction` needs to solve with $G^T W^{-2} G$ on the equalities' null space."""

    @abc.abstractmethod
    def direction(self, factor: Any, shift: Cone) -> tuple[PyTree, Cone]:
        r"""Return $\Delta x$ and $\Delta s = -G \Delta x$.

        They solve $G^T W^{-2} G \Delta x + A^T y = -q - G^T c$, $A \Delta x = 0$, with $c$ = `shift`.
        """


class Solution(NamedTuple):
    """The last iterate.

    Attributes:
        x: primal point; satisfies all constraints if the start did.
        dual: multipliers of the cone constraints; satisfy the dual equalities up to rounding once converged.
        complementarity: slack' dual, the duality gap of this iterate if both are feasible.
        iterations: Newton steps taken.
        converged: complementarity fell below the tolerance.
    """

    x: PyTree
    dual: Cone
    complementarity: Float[Array, ""]
    iterations: Int[Array, ""]
    converged: Bool[Array, ""]


class _Iterate(NamedTuple):
    x: PyTree
    slack: Cone
    dual: Cone
    infeasibility: Float[Array, ""]
    iterations: Int[Array, ""]
    stalled: Bool[Array, ""]


def inner(s: Cone, z: Cone) -> Float[Array, ""]:
    """Return s'z."""
    return s.orthant @ z.orthant + s.second_order @ z.second_order


def solve(
    program: AbstractConicProgram, x: PyTree, dual: Cone, *, tolerance: float, iterations_max: int = 50
) -> Solution:
    r"""Follow the central path from `x` and `dual` by predictor-corrector steps.

    With $W$ the Nesterov-Todd scaling, $\lambda = W z$ and $p$ the predictor's second-order error, each step solves

    $$\lambda \circ (W \Delta z + W^{-1} \Delta s) = \sigma \mu e - \lambda \circ \lambda - p, \qquad
      \sigma = (\mu_{\mathrm{predicted}} / \mu)^3.$$

    Primal and dual take steps of their own. Fixed shapes, no exceptions: usable under jit, scan and vmap.

    Args:
        program: the structured program.
        x: satisfies the equalities, with slacks strictly inside the cone.
        dual: strictly inside the cone; need not satisfy the dual equalities.
        tolerance: on slack' dual, in the units of the objective, once the dual is feasible.
        iterations_max: greatest number of Newton steps.

    References:
        Mehrotra (1992), SIAM J. Optim. 2(4), 575-601; Vandenberghe (2010), section 7.
    """
    slack = program.slack(x)
    start = _Iterate(x, slack, dual, jnp.ones(()), jnp.zeros((), int), jnp.array(False))

    def unfinished(now: _Iterate):
        done = (inner(now.slack, now.dual) <= tolerance) & (now.infeasibility <= _INFEASIBILITY_MAX)
        return ~done & ~now.stalled & (now.iterations < iterations_max)

    end = jax.lax.while_loop(unfinished, lambda now: _advance(program, now), start)
    gap = inner(end.slack, end.dual)
    converged = (gap <= tolerance) & (end.infeasibility <= _INFEASIBILITY_MAX)
    return Solution(end.x, end.dual, gap, end.iterations, converged)


_INFEASIBILITY_MAX = 1e-10
"""Share of the start's dual residual that may be left: every dual step of length a removes the share a."""


def _advance(program: AbstractConicProgram, now: _Iterate) -> _Iterate:
    s, z = now.slack, now.dual
    second = soc.nesterov_todd(s.second_order, z.second_order) if s.second_order.size else None
    scaling = Scaling(z.orthant / s.orthant, second)
    factor = program.factor(scaling)
    degree = s.orthant.size + (1 if second is not None else 0)

    _, ds = program.direction(factor, jax.tree.map(jnp.zeros_like, z))
    dz = _dual_direction(scaling, z, ds, jax.tree.map(jnp.zeros_like, z))
    predicted = inner(_move(s, ds, _step(s, ds)), _move(z, dz, _step(z, dz)))
    complementarity = inner(s, z)
    centring = jnp.clip(predicted / complementarity, 0.0, 1.0) ** 3
    shift = _shift(scaling, s, z, ds, dz, centring * complementarity / degree)

    dx, ds = program.direction(factor, shift)
    dz = _dual_direction(scaling, z, ds, shift)
    primal_step = jnp.minimum(1.0, _BOUNDARY_SHARE * _step(s, ds))
    dual_step = jnp.minimum(1.0, _BOUNDARY_SHARE * _step(z, dz))
    after = _Iterate(
        jax.tree.map(lambda value, change: value + primal_step * change, now.x, dx),
        _move(s, ds, primal_step),
        _move(z, dz, dual_step),
        now.infeasibility * (1.0 - dual_step),
        now.iterations + 1,
        jnp.array(False),
    )
    # Rounding ends every interior-point run: keep the last good iterate when a step is lost to it.
    lost = ~jnp.isfinite(inner(after.slack, after.dual)) | (jnp.maximum(primal_step, dual_step) < 1e-6)
    kept = jax.tree.map(lambda new, old: jnp.where(lost, old, new), after, now)
    return kept._replace(stalled=lost)


_BOUNDARY_SHARE = 0.995
"""Share of the way to the boundary that a step may go."""


def _shift(scaling: Scaling, s: Cone, z: Cone, ds: Cone, dz: Cone, centre: Float[Array, ""]) -> Cone:
    r"""Return $W^{-1} (\lambda \backslash (\sigma \mu e - p))$, by which the corrector moves the dual direction."""
    orthant = (centre - ds.orthant * dz.orthant) / s.orthant
    if scaling.second_order is None:
        return Cone(orthant, z.second_order)
    second = scaling.second_order
    scaled = soc.scale(second, z.second_order)
    error = soc.product(soc.unscale(second, ds.second_order), soc.scale(second, dz.second_order))
    target = (-error).at[0].add(centre)
    return Cone(orthant, soc.unscale(second, soc.divide(scaled, target)))


def _dual_direction(scaling: Scaling, z: Cone, ds: Cone, shift: Cone) -> Cone:
    r"""Return $\Delta z = c - z - W^{-2} \Delta s$."""
    orthant = shift.orthant - z.orthant - scaling.orthant * ds.orthant
    if scaling.second_order is None:
        return Cone(orthant, z.second_order)
    second = scaling.second_order
    curved = soc.unscale(second, soc.unscale(second, ds.second_order))
    return Cone(orthant, shift.second_order - z.second_order - curved)


def _step(s: Cone, direction: Cone) -> Float[Array, ""]:
    """Return the step to the boundary of the cone, at most 1e3."""
    ratio = jnp.where(direction.orthant < 0.0, -s.orthant / direction.orthant, 1e3)
    step = jnp.min(ratio, initial=1e3)
    if s.second_order.size:
        step = jnp.minimum(step, soc.step_to_boundary(s.second_order, direction.second_order))
    return step


def _move(s: Cone, direction: Cone, step: Float[Array, ""]) -> Cone:
    step = jnp.minimum(step, 1.0)
    return Cone(s.orthant + step * direction.orthant, s.second_order + step * direction.second_order)
