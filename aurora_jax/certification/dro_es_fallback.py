"""The same allocation by another solver, where ours has not converged."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Allocation, Outcome
from aurora_jax.optimise import HingeSolution, budget_box, clarabel_reference

from .dro_es import dro_es
from .dro_es_certificate import certified
from .dro_es_request import in_unit_scale, program_of, refusal_of, request_of


def dro_es_with_fallback(scenarios: Float[Array, "n d"], **asked) -> Allocation:
    """Return `dro_es` of concrete arrays or, where that is NOT_CONVERGED, Clarabel's answer under the same rules.

    Clarabel's weights are made feasible and bounded from below by its own multipliers on the exact program, so that the
    outcome is OK only with a duality gap within 1e-8; a gap as wide leaves NOT_CONVERGED and the previous weights.
    For the host only: inside jit an allocation that did not converge keeps the previous weights.

    Args:
        scenarios: returns X, one scenario a row.
        asked: arguments of `dro_es`.

    Raises:
        ValueError: as `dro_es` does.

    References:
        Goulart and Chen (2024), Clarabel: an interior-point solver for conic programs with quadratic objectives.
    """
    found = dro_es(scenarios, **asked)
    if int(found.outcome) != Outcome.NOT_CONVERGED:
        return found
    return dro_es_by_clarabel(scenarios, **asked)


def dro_es_by_clarabel(scenarios: Float[Array, "n d"], **asked) -> Allocation:
    """Return the allocation by Clarabel alone; arguments, outcomes and certificate as those of `dro_es`."""
    request, charged = request_of(scenarios, **asked)
    refusal = refusal_of(request, charged)
    unit, scaled = in_unit_scale(request)
    program = program_of(scaled, asked.get("metric", "l2"), charged)
    if int(refusal) != Outcome.OK:
        return certified(scaled, program, _nothing(scaled.previous), refusal, unit=unit)
    answer = clarabel_reference(program)
    # A solver that gave up may return NaN; any feasible weights will do then, as the gap will tell.
    raw = jnp.nan_to_num(jnp.asarray(answer.weights), nan=0.0)
    weights = budget_box.restore(raw, program.lower, program.upper)
    threshold = jnp.nan_to_num(jnp.asarray(answer.threshold))
    bound = program.lower_bound(jnp.nan_to_num(jnp.asarray(answer.row_dual)), answer.norm_dual)
    value = program.value(weights, threshold)
    solution = HingeSolution(weights, threshold, value, bound, jnp.zeros((), int))
    return certified(scaled, program, solution, refusal, unit=unit)


def _nothing(weights: Float[Array, " d"]) -> HingeSolution:
    zero = jnp.zeros(())
    return HingeSolution(weights, zero, zero, zero, jnp.zeros((), int))
