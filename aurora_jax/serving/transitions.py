"""The engine's transitions, compiled once for every stream and model of the same shapes."""

from typing import NamedTuple

import jax
import numpy as np

from ..core import Allocation, Bar, strongly_typed
from ..engine import Engine, EngineInfo, EngineState


class Transition(NamedTuple):
    """What became of one bar: the state after it, and the reports on the host."""

    state: EngineState
    info: EngineInfo
    allocation: Allocation | None
    weights: np.ndarray


def take_in(engine: Engine, state: EngineState, bar: Bar) -> Transition:
    """Step, and allocate where the engine asks for it: what a live request and a restart both do."""
    state, info = _step(engine, state, bar)
    allocation = None
    if bool(info.rebalance):
        state, allocation = _allocate(engine, state)
    return Transition(state, *jax.device_get((info, allocation, state.weights)))


def warm_up(engine: Engine, state: EngineState, bar: Bar) -> None:
    """Compile and run everything that a request may need, on a copy of the state that is then dropped."""
    state, _ = _step(engine, state, bar)
    state, allocation = _allocate(engine, state)
    jax.block_until_ready((state, allocation))


# The states that come out are strongly typed like those that go in, else the second bar would compile anew.
@jax.jit
def _step(engine: Engine, state: EngineState, bar: Bar) -> tuple[EngineState, EngineInfo]:
    state, info = engine.step(state, bar)
    return strongly_typed(state), info


@jax.jit
def _allocate(engine: Engine, state: EngineState) -> tuple[EngineState, Allocation]:
    state, allocation = engine.allocate(state)
    return strongly_typed(state), allocation
