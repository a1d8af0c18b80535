import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import push, sorted_window

CAPACITY = 7
_push = jax.jit(push)


@settings(max_examples=30, deadline=None)
# XLA flushes subnormal numbers to 0: they are not what goes in.
@given(
    st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=25)
    | st.lists(
        st.sampled_from([-1.0, 0.5, 2.0]), min_size=CAPACITY, max_size=25
    )  # what goes may be equal to what comes
)
def test_equals_sorting_the_trailing_values(values):
    window = sorted_window(CAPACITY)
    for value in values:
        window = _push(window, jnp.asarray(value))
    expected = np.sort(values[-CAPACITY:])
    np.testing.assert_array_equal(window.ascending[: len(expected)], expected)
    assert np.isinf(window.ascending[len(expected) :]).all()


def test_order_statistic_quantile_and_rank_by_hand():
    window = sorted_window(4)
    assert float(window.quantile(0.5, empty=-1.0)) == -1.0
    assert float(window.rank_share(3.0)) == 0.5
    for value in (9.0, 3.0, 1.0, 2.0, 3.0):  # 9 has left: 1 2 3 3
        window = _push(window, jnp.asarray(value))
    assert [float(window.order_statistic(k)) for k in (1, 2, 3, 4, 5)] == [1, 2, 3, 3, np.inf]
    assert float(window.quantile(0.5)) == 2.0
    assert float(window.quantile(0.51)) == 3.0
    assert float(window.rank_share(3.0)) == 0.75  # half-way between 2/4 and 4/4
    assert float(window.rank_share(jnp.inf)) == 1.0


def test_bad_capacity_is_named():
    with pytest.raises(ValueError, match="was 0"):
        sorted_window(0)
