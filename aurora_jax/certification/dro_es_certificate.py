"""What weights are worth, and how good they provably are, whoever found them."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Allocation, Outcome
from aurora_jax.optimise import HingeProgram, HingeSolution

from .dro_es_request import Request

_RELATIVE_GAP_MAX = 1e-8


def certified(
    request: Request,
    program: HingeProgram,
    found: HingeSolution,
    refusal: Int[Array, ""],
    *,
    unit: Float[Array, ""],
) -> Allocation:
    """Return the allocation of a solution, or of the previous weights where it was refused or proves too little.

    Args:
        request: in unit scale.
        program: of that request.
        found: feasible weights and a bound that no others can beat.
        refusal: why the request cannot be met, or OK.
        unit: of loss.
    """
    close = found.value - found.lower_bound <= _RELATIVE_GAP_MAX * jnp.maximum(jnp.abs(found.value), 1.0)
    outcome = jnp.where((refusal == Outcome.OK) & ~close, int(Outcome.NOT_CONVERGED), refusal)
    equal = jnp.full_like(found.weights, 1.0 / found.weights.size)
    fallback = jnp.where(jnp.all(jnp.isfinite(request.previous)), request.previous, equal)
    weights = jnp.where(outcome == Outcome.OK, found.weights, fallback)

    losses = -request.scenarios @ weights
    var, es = _shortfall(losses, request.probabilities, request.tail_probability)
    worst = es + program.norm_cost * program.norm.value(weights)
    gap = program.value(weights, var) - found.lower_bound
    # A gap to a program that was not solved is no certificate; a risk of numbers that are not there is unknown.
    attempted = (outcome == Outcome.OK) | (outcome == Outcome.NOT_CONVERGED)
    unknown = (outcome == Outcome.NON_FINITE) | (outcome == Outcome.REFUSED)
    var, es, worst = (jnp.where(unknown, jnp.inf, unit * value) for value in (var, es, worst))
    return Allocation(weights, var, es, worst, jnp.where(attempted, unit * gap, jnp.inf), outcome)


def _shortfall(
    losses: Float[Array, " n"], probabilities: Float[Array, " n"], tail_probability: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return value at risk and expected shortfall of a discrete law, as losses.

    The value at risk is the greatest loss that is reached or exceeded with at least the tail probability.
    """
    order = jnp.argsort(-losses)
    reached = jnp.cumsum(probabilities[order])
    place = jnp.argmax(reached >= tail_probability * (1.0 - 1e-12))
    var = losses[order[place]]
    return var, var + probabilities @ jnp.maximum(losses - var, 0.0) / tail_probability
