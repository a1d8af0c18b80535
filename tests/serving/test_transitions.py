"""What crosses into compiled code and back, against the engine called without either."""

import jax
import numpy as np
import pytest

from aurora_jax.core import pack, strongly_typed
from aurora_jax.serving.transitions import take_in
from tests.small_engine import WARM_UP_BARS, assert_bitwise, small


@pytest.mark.bits
def test_a_bar_is_the_engines_step_and_its_allocation():
    """Three assets, so that weights are not the equal ones of the start."""
    engine, data = small("TRIO").engine, small("TRIO").data
    step = jax.jit(lambda engine, state, bar: strongly_typed(engine.step(state, bar)))
    allocate = jax.jit(lambda engine, state: strongly_typed(engine.allocate(state)))
    state = strongly_typed(engine.init())
    packed, carried, allocations = pack(engine), pack(state), 0
    for index in range(WARM_UP_BARS + 15):
        bar = data.bar(index)
        state, info = step(engine, state, bar)
        allocation = None
        if bool(info.rebalance):
            state, allocation = allocate(engine, state)
            allocations += 1
        carried, told, decided, weights = take_in(packed, carried, bar)
        assert_bitwise(told, info)
        assert_bitwise(carried.unpack(), state)
        assert (decided is None) == (allocation is None)
        if allocation is not None:
            assert_bitwise(decided, allocation)
        np.testing.assert_array_equal(weights, state.weights)
    assert allocations >= 2
    assert np.ptp(np.asarray(state.weights)) > 1e-3
