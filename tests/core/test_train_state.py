"""A training's state: the best is kept by a strictly better score, and a step that is not finite moves nothing."""

import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import TrainState, judged, stepped


@pytest.fixture
def state():
    return TrainState(jnp.array([1.0]), jnp.array([2.0]), jnp.array(3), jnp.array([0.0]), jnp.array(0.5), jnp.array(1))


@pytest.mark.parametrize(("score", "best", "stale"), [(0.4, 1.0, 0), (0.5, 0.0, 2), (0.6, 0.0, 2), (np.nan, 0.0, 2)])
def test_only_a_better_score_is_kept(state, score, best, stale):
    after = judged(state, jnp.array(score))
    assert (float(after.best[0]), int(after.stale)) == (best, stale)
    assert float(after.best_score) == (score if best else 0.5)
    assert int(after.step) == 3


@pytest.mark.parametrize("finite", [True, False])
def test_a_step_moves_only_where_it_was_finite(state, finite):
    after = stepped(state, jnp.array([np.nan]), jnp.array([9.0]), finite=jnp.array(finite))
    expected = (np.nan, 9.0, 4) if finite else (1.0, 2.0, 3)
    np.testing.assert_array_equal((after.parameters[0], after.optimiser[0], after.step), expected)
    assert (float(after.best[0]), float(after.best_score), int(after.stale)) == (0.0, 0.5, 1)
