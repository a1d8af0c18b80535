import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Estimate, Outcome
from aurora_jax.farm import Moments, moments, pooled


def estimate(values, outcomes=None):
    values = jnp.asarray(values, float)
    outcomes = jnp.zeros(values.shape, int) if outcomes is None else jnp.asarray(outcomes)
    return Estimate(values, jnp.ones_like(values), outcomes)


def test_moments_by_hand_leave_out_what_was_not_estimated():
    reduced = moments(estimate([1.0, 2.0, 6.0, 100.0, jnp.nan], [0, 0, 0, Outcome.NOT_CONVERGED, 0]))
    assert reduced == Moments(count=3, mean=3.0, squares=14.0, of=5)
    assert reduced.standard_error == pytest.approx((14 / 2 / 3) ** 0.5)


def test_nothing_usable_is_counted_and_has_no_standard_error():
    reduced = moments(estimate([jnp.nan, 1.0], [Outcome.TOO_SHORT, Outcome.CONSTANT]))
    assert reduced == Moments(0, 0.0, 0.0, 2)
    assert reduced.standard_error is None
    assert moments(estimate([4.0])).standard_error is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(-1e3, 1e3), max_size=6), max_size=5))
def test_pooling_chunks_is_reducing_everything_at_once(chunks):
    everything = np.array([value for chunk in chunks for value in chunk])
    total = pooled(moments(estimate(chunk)) for chunk in chunks)
    assert (total.count, total.of) == (everything.size, everything.size)
    if everything.size:
        assert total.mean == pytest.approx(everything.mean(), abs=1e-9)
        assert total.squares == pytest.approx(np.sum((everything - everything.mean()) ** 2), abs=1e-6)


def test_pooling_nothing_is_the_neutral_element():
    part = Moments(3, 1.5, 2.0, 4)
    assert pooled([]) == Moments(0, 0.0, 0.0, 0)
    assert pooled([Moments(0, 0.0, 0.0, 2), part]) == Moments(3, 1.5, 2.0, 6)
