"""How an allocation of least worst-case shortfall moves with what was asked."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Allocation, Outcome
from aurora_jax.optimise import HingeProgram, hinge_motion

from .dro_es_request import Request, in_unit_scale, measured_in, program_of


def allocation_motion(request: Request, moved: Request, found: Allocation, *, metric: str, charged: bool) -> Allocation:
    r"""Return the tangent of the allocation `found` when the request moves by `moved`.

    The objective moves by the envelope theorem, the weights by the implicit function theorem on the conditions that are
    active at them (`hinge_motion`); as

    $$\text{worst-case ES} = \text{objective} + m^T w - k \|w - w_0\|_1, \qquad
      \text{ES} = \text{worst-case ES} - \tfrac{\varepsilon}{p} \|w\|_*,$$

    the derivative of the worst-case shortfall is exact even where the weights' is not unique, as long as neither an
    expected return nor a cost is asked for. The weights are piecewise smooth: between changes of the active set they
    follow the radius smoothly under the ground metric l2; under l1, and at radius 0, the program is linear in the
    weights, so that they do not move with the radius but at jumps, where this returns 0 and no derivative exists.
    The gap's derivative is 0, and so is every one where the outcome is not OK: there is nothing to differentiate.
    """
    weights, var, es, worst = _motion(request, moved, found, metric, charged)
    outcome = np.zeros(jnp.shape(found.outcome), jax.dtypes.float0)  # an integer has no other tangent
    return Allocation(weights, var, es, worst, jnp.zeros_like(worst), outcome)  # pyright: ignore[reportArgumentType]


@functools.partial(jax.jit, static_argnames=("metric", "charged"))
def _motion(request: Request, moved: Request, found: Allocation, metric: str, charged: bool):
    solved = found.outcome == Outcome.OK
    # Where nothing was solved the numbers may be infinite, and 0 times infinity is not 0.
    request = request._replace(tail_probability=jnp.where(solved, request.tail_probability, 0.5))
    unit, _ = in_unit_scale(request)

    def laid_out(asked: Request) -> HingeProgram:
        # Weights do not depend on the unit, so it may stay as it is.
        return program_of(measured_in(unit, asked), metric, charged)

    program, program_moved = jax.jvp(laid_out, (request,), (moved,))
    threshold = jnp.where(solved, found.var / unit, 0.0)
    motion = hinge_motion(program, program_moved, found.weights, threshold)
    place, step = (program, found.weights), (program_moved, motion.weights)
    _, beside = jax.jvp(_beside_risk, place, step)
    _, penalty = jax.jvp(_penalty, place, step)
    worst = motion.value - beside
    tangents = motion.weights, unit * motion.threshold, unit * (worst - penalty), unit * worst
    return tuple(jnp.where(solved, tangent, 0.0) for tangent in tangents)


def _beside_risk(program: HingeProgram, weights: Float[Array, " d"]) -> Float[Array, ""]:
    """Return the part of the objective that is no risk: the return asked for, and rows without threshold, turnover."""
    cost = jnp.where(program.columns[-1] > 0.0, 0.0, program.cost)
    residual = program.offset - weights @ program.columns[:-1]
    return program.linear @ weights + cost @ jnp.maximum(residual, 0.0)


def _penalty(program: HingeProgram, weights: Float[Array, " d"]) -> Float[Array, ""]:
    return program.norm_cost * program.norm.value(weights)
