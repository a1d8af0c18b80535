"""The state of a training: where it is, and the best that it has met. Teacher and student keep the same."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree


class TrainState(NamedTuple):
    """What the next step needs; everything that a resumed run must find again.

    Attributes:
        parameters: what is trained.
        optimiser: state of the optimiser.
        step: steps taken.
        best: parameters with the best validation score so far, the start's included.
        best_score: theirs; less is better.
        stale: validations since then.
    """

    parameters: PyTree[Array]
    optimiser: PyTree
    step: Int[Array, ""]
    best: PyTree[Array]
    best_score: Float[Array, ""]
    stale: Int[Array, ""]


def judged(state: TrainState, score: Float[Array, ""]) -> TrainState:
    """Keep the parameters if their score is better than the best so far."""
    if bool(score < state.best_score):
        return state._replace(best=state.parameters, best_score=score, stale=jnp.zeros_like(state.stale))
    return state._replace(stale=state.stale + 1)


def stepped(state: TrainState, parameters: PyTree[Array], optimiser: PyTree, *, finite: Bool[Array, ""]) -> TrainState:
    """Return the state after a step; as it was, where the step was not finite."""
    moved = state._replace(parameters=parameters, optimiser=optimiser, step=state.step + 1)
    return jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, state)
