"""The fractional volatility channel: ranges, and the limit on moves of the Hurst exponent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.teacher.volatility import fractional_volatility

_START = fractional_volatility(jax.random.key(0), factors=1, embedding_size=2, dtype=jnp.float64)
_path = jax.jit(lambda asked: _START.hurst_path(asked))


def test_hurst_path_by_hand():
    """At most 0.2 a block: down to the target in two moves, up again as far as one move goes."""
    asked = jnp.array([[0.5], [0.15], [0.15], [0.9], [0.6]])
    np.testing.assert_allclose(_path(asked)[:, 0], [0.5, 0.3, 0.15, 0.35, 0.55], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=5, max_size=5))
def test_hurst_moves_by_at_most_its_step_and_stays_in_range(asked):
    found = np.asarray(_path(jnp.array(asked)[:, None]))[:, 0]
    assert found[0] == asked[0]
    assert np.max(np.abs(np.diff(found))) <= 0.2 + 1e-12
    assert np.min(asked) - 1e-12 <= np.min(found)
    assert np.max(found) <= np.max(asked) + 1e-12


def test_starting_values_are_met_in_every_regime():
    flat = fractional_volatility(
        jax.random.key(0), factors=2, embedding_size=2, hurst=0.1, volatility_of_volatility=0.2, leverage=-0.5,
        dtype=jnp.float64,
    )  # fmt: skip
    zero = jnp.zeros(2)
    np.testing.assert_allclose(flat.hurst(zero), [0.1, 0.1], rtol=1e-9)
    np.testing.assert_allclose(flat.volatility_of_volatility(zero), [0.2, 0.2], rtol=1e-9)
    np.testing.assert_allclose(flat.leverage(zero), -0.5, rtol=1e-9)
    far = 1e6 * jnp.ones(2)
    assert np.all((np.asarray(flat.hurst(far)) >= 0.05) & (np.asarray(flat.hurst(far)) <= 0.95))
    assert abs(float(flat.leverage(far))) <= 0.95


@pytest.mark.parametrize(
    ("limits", "message"),
    [({"hurst_min": 0.6, "hurst_max": 0.5}, "0.6 and 0.5"), ({"hurst_step_max": 0.0}, "hurst_step_max")],
)
def test_limits_out_of_order_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        fractional_volatility(jax.random.key(0), factors=1, embedding_size=2, **{"hurst": 0.55, **limits})
