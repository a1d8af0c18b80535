"""Mehrotra's predictor-corrector method for structured linear programs over orthants and second-order cones."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from aurora_jax.core import Number

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
    def direction(self, factor: Any, shift: Cone, *, refined: bool) -> tuple[PyTree, Cone]:
        r"""Return $\Delta x$ and $\Delta s = -G \Delta x$.

        They solve $G^T W^{-2} G \Delta x + A^T y = -q - G^T c$, $A \Delta x = 0$, with $c$ = `shift`; to the last
        digits if `refined`, else well enough to judge by.
        """


class Solution(NamedTuple):
    """The last iterate.

    Attributes:
        x: primal point; satisfies all constraints if the start did.
        dual: multipliers of the cone constraints; satisfy the dual equalities up to rounding once converged.
        complementarity: slack' dual, the duality gap of this iterate if both are feasible.
        infeasibility: share of the start's dual residual left; a dual step of length a removes the share a.
        iterations: Newton steps taken.
        converged: complementarity fell below the tolerance.
    """

    x: PyTree
    dual: Cone
    complementarity: Float[Array, ""]
    infeasibility: Float[Array, ""]
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
    program: AbstractConicProgram,
    x: PyTree,
    dual: Cone,
    *,
    tolerance: Number,
    infeasibility: Number = 1.0,
    iterations_max: int = 50,
) -> Solution:
    r"""Follow the central path from `x` and `dual` by predictor-corrector steps.

    With $W$ the Nesterov-Todd scaling, $\lambda = W z$ and $p$ the predictor's second-order error, each step solves

    $$\lambda \circ (W \Delta z + W^{-1} \Delta s) = \sigma \mu e - \lambda \circ \lambda - p, \qquad
      \sigma = (\mu_{\mathrm{predicted}} / \mu)^3.$$

    A second correction centres the products that would shorten the step. Primal and dual take steps of their own.
    Fixed shapes, no exceptions: usable under jit, scan and vmap.

    Args:
        program: the structured program.
        x: satisfies the equalities, with slacks strictly inside the cone.
        dual: strictly inside the cone; need not satisfy the dual equalities.
        tolerance: on slack' dual, in the units of the objective, and on the share of dual infeasibility left.
        infeasibility: share left by an earlier call, where `x` and `dual` are its results.
        iterations_max: greatest number of Newton steps.

    References:
        Mehrotra (1992), SIAM J. Optim. 2(4), 575-601; Vandenberghe (2010), section 7; Toh, Todd and Tütüncü (1999),
        SDPT3, section 2.4 for the step to a second-order cone.
    """
    slack = program.slack(x)
    start = _Iterate(x, slack, dual, jnp.asarray(infeasibility, float), jnp.zeros((), int), jnp.array(False))

    def done(now: _Iterate):
        return (inner(now.slack, now.dual) <= tolerance) & (now.infeasibility <= tolerance)

    end = jax.lax.while_loop(
        lambda now: ~done(now) & ~now.stalled & (now.iterations < iterations_max),
        lambda now: _advance(program, now),
        start,
    )
    return Solution(end.x, end.dual, inner(end.slack, end.dual), end.infeasibility, end.iterations, done(end))


class _Direction(NamedTuple):
    """A search direction, and how far it may go."""

    x: PyTree
    slack: Cone
    dual: Cone
    primal_step: Float[Array, ""]
    dual_step: Float[Array, ""]


def _advance(program: AbstractConicProgram, now: _Iterate) -> _Iterate:
    s, z = now.slack, now.dual
    second = soc.nesterov_todd(s.second_order, z.second_order) if s.second_order.size else None
    scaling = Scaling(z.orthant / s.orthant, second)
    factor = program.factor(scaling)
    complementarity = inner(s, z)
    mean = complementarity / (s.orthant.size + (1 if second is not None else 0))

    def towards(shift: Cone, shares: tuple[Number, Number], refined: bool = True) -> _Direction:
        dx, ds = program.direction(factor, shift, refined=refined)
        dz = _dual_direction(scaling, z, ds, shift)
        return _Direction(dx, ds, dz, _step(s, ds, shares), _step(z, dz, shares))

    plain = towards(jax.tree.map(jnp.zeros_like, z), (1.0, 1.0), refined=False)
    predicted = inner(_move(s, plain.slack, plain.primal_step), _move(z, plain.dual, plain.dual_step))
    target = jnp.clip(predicted / complementarity, 0.0, 1.0) ** 3 * mean
    # A second-order cone pays for closeness to its boundary with short steps later, unless they are long already.
    shares = 0.995, 0.9 + 0.095 * jnp.minimum(plain.primal_step, plain.dual_step)
    shift = _shift(scaling, s, z, plain, target)
    corrected = towards(shift, shares)
    centred = towards(_centred(shift, s, z, corrected, target), shares)
    longer = centred.primal_step + centred.dual_step > corrected.primal_step + corrected.dual_step
    best = jax.tree.map(lambda new, old: jnp.where(longer, new, old), centred, corrected)

    after = _Iterate(
        jax.tree.map(lambda value, change: value + best.primal_step * change, now.x, best.x),
        _move(s, best.slack, best.primal_step),
        _move(z, best.dual, best.dual_step),
        now.infeasibility * (1.0 - best.dual_step),
        now.iterations + 1,
        jnp.array(False),
    )
    # Rounding ends every interior-point run: keep the last good iterate when a step is lost to it.
    lost = ~jnp.isfinite(inner(after.slack, after.dual)) | (jnp.maximum(best.primal_step, best.dual_step) < 1e-6)
    kept = jax.tree.map(lambda new, old: jnp.where(lost, old, new), after, now)
    return kept._replace(stalled=lost)


def _centred(shift: Cone, s: Cone, z: Cone, direction: _Direction, target: Float[Array, ""]) -> Cone:
    """Return `shift` corrected for the products that would hold back a longer step along `direction`.

    Products outside [target / 10, 10 target] at a step longer by .3 are pulled to that range, one only so far down.

    References:
        Gondzio (1996), Comput. Optim. Appl. 6, 137-156, section 3.
    """
    primal_step, dual_step = jnp.minimum(direction.primal_step + 0.3, 1.0), jnp.minimum(direction.dual_step + 0.3, 1.0)
    trial = _move(s, direction.slack, primal_step).orthant * _move(z, direction.dual, dual_step).orthant
    pull = jnp.maximum(jnp.clip(trial, 0.1 * target, 10.0 * target) - trial, -10.0 * target)
    return shift._replace(orthant=shift.orthant + pull / s.orthant)


def _shift(scaling: Scaling, s: Cone, z: Cone, plain: _Direction, centre: Float[Array, ""]) -> Cone:
    r"""Return $W^{-1} (\lambda \backslash (\sigma \mu e - p))$, by which the corrector moves the dual direction."""
    ds, dz = plain.slack, plain.dual
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


def _step(s: Cone, direction: Cone, shares: tuple[Number, Number]) -> Float[Array, ""]:
    """Return the step, at most 1, that goes the given shares of the way to the orthant's and the other boundary."""
    ratio = jnp.where(direction.orthant < 0.0, -s.orthant / direction.orthant, jnp.inf)
    step = jnp.minimum(1.0, shares[0] * jnp.min(ratio, initial=jnp.inf))
    if s.second_order.size:
        step = jnp.minimum(step, shares[1] * soc.step_to_boundary(s.second_order, direction.second_order))
    return step


def _move(s: Cone, direction: Cone, step: Float[Array, ""]) -> Cone:
    return Cone(s.orthant + step * direction.orthant, s.second_order + step * direction.second_order)
