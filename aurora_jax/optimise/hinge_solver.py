"""Solve a hinge program, and certify the answer on the exact program."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from . import budget_box, interior_point
from .hinge_program import HingeProgram

_TOLERANCE = 1e-10


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
    found = interior_point.solve(relaxed, x, dual, tolerance=_TOLERANCE)
    weights = budget_box.restore(found.x.stacked[:-1], program.lower, program.upper)
    threshold = found.x.stacked[-1]
    return HingeSolution(
        weights, threshold, program.value(weights, threshold), program.lower_bound(found.dual), found.iterations
    )


def _quantile_and_width(program: HingeProgram, weights: Float[Array, " d"]):
    """Return a guess at the optimal threshold, from the first two moments of the residuals, and their deviation."""
    share = jnp.where(program.columns[-1] > 0.0, program.cost, 0.0)
    share = share / jnp.sum(share)
    residual = program.offset - weights @ program.columns[:-1]
    mean = share @ residual
    width = jnp.sqrt(share @ (residual - mean) ** 2)
    # Constant residuals have no width to start from; any positive one will do.
    return mean + 1.6 * width, jnp.maximum(width, 1e-3)
