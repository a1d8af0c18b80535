"""Solve a hinge program, and certify the answer on the exact program."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from . import budget_box, interior_point
from .hinge_program import HingePoint, HingeProgram
from .interior_point import Cone
from .screening import screen

_TOLERANCE = 1e-10
_TOLERANCE_BEFORE_SCREENING = 0.03
_ACCEPTED_GAP = 1e-9


class HingeSolution(NamedTuple):
    """A feasible point and a proof of how good it is.

    Attributes:
        weights: within their bounds, meeting the budget, up to rounding.
        threshold: the t that goes with them.
        value: the objective there.
        lower_bound: what no feasible point can beat; value - lower_bound is the certified duality gap.
        iterations: Newton steps.
    """

    weights: Float[Array, " d"]
    threshold: Float[Array, ""]
    value: Float[Array, ""]
    lower_bound: Float[Array, ""]
    iterations: Int[Array, ""]


def minimise_hinges(program: HingeProgram, *, warm_start: Float[Array, " d"] | None = None) -> HingeSolution:
    """Minimise `program` by the interior-point method; never raises, and returns a true bound in any case.

    Args:
        program: of unit scale: the deviation of its rows, at feasible weights, is about 1. Its polytope is not
            empty, and the costs of the rows with b = 1 sum to at least 1.
        warm_start: weights to start near; need not be feasible.
    """
    relaxed = program.with_interior()
    inside = budget_box.centre(relaxed.lower, relaxed.upper)
    if warm_start is not None:
        usable = jnp.where(jnp.isfinite(warm_start), warm_start, inside)
        inside = 0.1 * inside + 0.9 * budget_box.restore(usable, relaxed.lower, relaxed.upper)
    x, dual = relaxed.start(inside, *_quantile_and_width(relaxed, inside))
    rows_kept = _rows_kept(program)
    if rows_kept < program.offset.size:
        return _minimise_screened(program, relaxed, x, dual, rows_kept)
    found = interior_point.solve(relaxed, x, dual, tolerance=_TOLERANCE)
    return _certified(program, found, *program.multipliers(found.dual))


def _rows_kept(program: HingeProgram) -> int:
    """Return to how many rows a program is worth screening: all of them unless they are many."""
    rows, d = program.offset.size, program.linear.size
    kept = max(rows // 4, 4 * d)
    return kept if rows >= 1024 and 2 * kept <= rows else rows


class _Attempt(NamedTuple):
    number: Int[Array, ""]
    x: HingePoint
    dual: Cone
    infeasibility: Float[Array, ""]
    solution: HingeSolution


def _minimise_screened(program: HingeProgram, relaxed: HingeProgram, x, dual, rows_kept: int) -> HingeSolution:
    """Solve roughly on all rows, then finely on those that matter; if that was wrong, finely on all rows.

    Screening fails where more rows than are kept share the kink, as tied scenarios do.
    """

    def attempt(now: _Attempt) -> _Attempt:
        tolerance = jnp.where(now.number == 0, _TOLERANCE_BEFORE_SCREENING, _TOLERANCE)
        rough = interior_point.solve(relaxed, now.x, now.dual, tolerance=tolerance, infeasibility=now.infeasibility)
        whole = _certified(program, rough, *program.multipliers(rough.dual))
        small = screen(relaxed, rough.x, rough.dual, rows_kept=rows_kept)
        # Settling rows disturbs dual feasibility by about the gap, so at least that share is to be made up.
        left = jnp.maximum(rough.infeasibility, jnp.minimum(rough.complementarity, 1.0))
        fine = interior_point.solve(small.program, small.x, small.dual, tolerance=_TOLERANCE, infeasibility=left)
        screened = _certified(program, fine, *small.multipliers(fine.dual))
        solution = jax.tree.map(partial(jnp.where, _gap(screened) <= _gap(whole)), screened, whole)
        solution = solution._replace(iterations=now.solution.iterations + rough.iterations + fine.iterations)
        return _Attempt(now.number + 1, rough.x, rough.dual, rough.infeasibility, solution)

    def unproven(now: _Attempt):
        proven = _gap(now.solution) <= _ACCEPTED_GAP * jnp.maximum(jnp.abs(now.solution.value), 1.0)
        return (now.number == 0) | ((now.number == 1) & ~proven)

    nothing = HingeSolution(x.stacked[:-1], x.stacked[-1], jnp.zeros(()), jnp.zeros(()), jnp.zeros((), int))
    start = _Attempt(jnp.zeros((), int), x, dual, jnp.ones(()), nothing)
    return lax.while_loop(unproven, attempt, start).solution


def _gap(solution: HingeSolution) -> Float[Array, ""]:
    return solution.value - solution.lower_bound


def _certified(
    program: HingeProgram, found: interior_point.Solution, row_dual: Float[Array, " rows"], norm_dual: Cone
) -> HingeSolution:
    """Make the point that was found exactly feasible, and bound it, both on the exact and full program."""
    weights = budget_box.restore(found.x.stacked[:-1], program.lower, program.upper)
    threshold = found.x.stacked[-1]
    value, bound = program.value(weights, threshold), program.lower_bound(row_dual, norm_dual)
    return HingeSolution(weights, threshold, value, bound, found.iterations)


def _quantile_and_width(program: HingeProgram, weights: Float[Array, " d"]):
    """Return a guess at the optimal threshold, from the first two moments of the residuals, and their deviation."""
    share = jnp.where(program.columns[-1] > 0.0, program.cost, 0.0)
    share = share / jnp.sum(share)
    residual = program.offset - weights @ program.columns[:-1]
    mean = share @ residual
    width = jnp.sqrt(share @ (residual - mean) ** 2)
    # Constant residuals have no width to start from; any positive one will do.
    return mean + 1.6 * width, jnp.maximum(width, 1e-3)
