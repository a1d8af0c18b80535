"""The engine's transitions, compiled once for every stream and model of the same shapes.

Engine, state and report cross into compiled code as a few vectors (`Packed`): to hand some 300 arrays over takes about
as long as to compute them.
"""

from typing import NamedTuple

import jax
import numpy as np

from ..core import Allocation, Bar, Packed, pack, strongly_typed
from ..engine import Engine, EngineInfo


class Transition(NamedTuple):
    """What became of one bar: the packed state after it, and the reports on the host."""

    packed: Packed
    info: EngineInfo
    allocation: Allocation | None
    weights: np.ndarray


def take_in(engine: Packed, state: Packed, bar: Bar) -> Transition:
    """Step, and allocate where the engine asks for it: what a live request and a restart both do."""
    state, info, weights = observe(engine, state, bar)
    if not bool(info.rebalance):
        return Transition(state, info, None, weights)
    state, report = _allocate(engine, state)
    return Transition(state, info, *_told(report))


def observe(engine: Packed, state: Packed, bar: Bar) -> tuple[Packed, EngineInfo, np.ndarray]:
    """Step; return the state after the bar, and on the host what the engine says and the weights it holds."""
    state, report = _step(engine, state, pack(bar))
    return state, *_told(report)


def warm_up(engine: Packed, state: Packed, bar: Bar) -> None:
    """Compile and run everything that a request may need, on a copy of the state that is then dropped."""
    state, _, _ = observe(engine, state, bar)
    jax.block_until_ready(_allocate(engine, state))


def compiled() -> tuple[int, int]:
    """Return how many steps and allocations were compiled; a request must never add one."""
    return _step._cache_size(), _allocate._cache_size()


def _told(report: Packed):
    return jax.device_get(report).unpack()


# The states that come out are strongly typed like those that go in, else the second bar would compile anew.
@jax.jit
def _step(engine: Packed, state: Packed, bar: Packed) -> tuple[Packed, Packed]:
    whole: Engine = engine.unpack()
    after, info = whole.step(state.unpack(), bar.unpack())
    return pack(strongly_typed(after)), pack((info, after.weights))


@jax.jit
def _allocate(engine: Packed, state: Packed) -> tuple[Packed, Packed]:
    whole: Engine = engine.unpack()
    after, allocation = whole.allocate(state.unpack())
    return pack(strongly_typed(after)), pack((allocation, after.weights))
