"""Integrated gradients against closed forms, the axioms, and what cannot be had."""

import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.explain import integrated_gradients

_POINT, _BASELINE = np.array([0.7, -1.3, 2.0]), np.array([0.2, 0.4, -0.5])


def test_a_linear_function_is_its_weights_times_the_differences():
    weights = np.array([2.0, -3.0, 0.25])
    found = integrated_gradients(lambda x: jnp.asarray(weights) @ x + 5.0, _POINT, _BASELINE)
    np.testing.assert_allclose(found.contributions, weights * (_POINT - _BASELINE), rtol=1e-14)
    assert found.at_baseline == pytest.approx(5.0 + weights @ _BASELINE)
    assert found.at_point == pytest.approx(5.0 + weights @ _POINT)
    assert (found.outcome, found.nodes) == (Outcome.OK, 8)


def test_a_product_by_hand():
    """F = xy: along the line y's mean is that of its ends, so x gets (x - x0)(y + y0) / 2."""
    (x, y, _), (x0, y0, _) = _POINT, _BASELINE
    found = integrated_gradients(lambda p: p[0] * p[1], _POINT, _BASELINE)
    expected = [0.5 * (x - x0) * (y + y0), 0.5 * (y - y0) * (x + x0), 0.0]
    np.testing.assert_allclose(found.contributions, expected, rtol=1e-13)
    from_zero = integrated_gradients(lambda p: p[0] * p[1], _POINT, np.zeros(3))
    np.testing.assert_allclose(from_zero.contributions, [0.5 * x * y, 0.5 * x * y, 0.0], rtol=1e-13)


def test_a_ridge_function_splits_its_change_by_the_slopes():
    """F = g(w x): every gradient is along w, so an input's part is w_i d_i / (w d) of the change, whatever g."""
    weights = np.array([1.0, 2.0, -0.5])
    found = integrated_gradients(
        lambda x: jnp.tanh(3.0 * (jnp.asarray(weights) @ x)), _POINT, _BASELINE, tolerance=1e-10
    )
    part = weights * (_POINT - _BASELINE)
    change = np.tanh(3.0 * weights @ _POINT) - np.tanh(3.0 * weights @ _BASELINE)
    np.testing.assert_allclose(found.contributions, part / part.sum() * change, rtol=1e-9)
    assert found.nodes > 8


def test_inputs_that_are_not_looked_at_get_nothing_and_like_inputs_get_the_same():
    found = integrated_gradients(
        lambda x: jnp.exp(x[0] * x[1]) + x[0] + x[1], np.array([0.8, 0.8, 3.0]), np.array([-0.1, -0.1, 1.0])
    )
    assert found.contributions[2] == 0.0
    assert found.contributions[0] == pytest.approx(found.contributions[1], rel=1e-14)
    assert found.contributions.sum() == pytest.approx(found.at_point - found.at_baseline, rel=1e-3)


def test_more_nodes_are_taken_until_the_parts_add_up():
    """A cliff between two nodes: eight gradients miss it, 512 do not; with few allowed the outcome says so."""

    def cliff(x):
        return jnp.tanh(60.0 * (x[0] - 0.31)) + x[1]

    point = np.array([1.0, 1.0])
    few = integrated_gradients(cliff, point, np.zeros(2), max_nodes=8)
    assert few.outcome == Outcome.NOT_CONVERGED
    assert few.completeness_error > 1e-3
    many = integrated_gradients(cliff, point, np.zeros(2))
    assert many.outcome == Outcome.OK
    assert many.completeness_error <= 1e-3
    np.testing.assert_allclose(many.contributions, [np.tanh(60 * 0.69) + np.tanh(60 * 0.31), 1.0], rtol=3e-3)
    assert 8 < many.nodes <= 2 * 512


def test_a_value_that_is_not_a_number_is_told():
    found = integrated_gradients(lambda x: jnp.log(x[0]) + x[1], np.array([-1.0, 1.0]), np.ones(2))
    assert found.outcome == Outcome.NON_FINITE


def test_no_change_leaves_nothing_to_explain():
    found = integrated_gradients(lambda x: x[0] * 0.0, _POINT, _BASELINE)
    assert (found.outcome, found.completeness_error) == (Outcome.OK, 0.0)
    np.testing.assert_array_equal(found.contributions, 0.0)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"point has shape \(3,\), its baseline \(2,\)"):
        integrated_gradients(jnp.sum, _POINT, np.zeros(2))
    with pytest.raises(ValueError, match="tolerance must lie in"):
        integrated_gradients(jnp.sum, _POINT, _BASELINE, tolerance=0.0)
    with pytest.raises(ValueError, match="max_nodes must be at least 8, was 4"):
        integrated_gradients(jnp.sum, _POINT, _BASELINE, max_nodes=4)
