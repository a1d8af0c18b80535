import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from aurora_jax.optimise import budget_box


@st.composite
def polytopes(draw):
    lower = np.array(draw(st.lists(st.floats(-1.0, 0.15), min_size=5, max_size=5)))
    upper = np.array(draw(st.lists(st.floats(0.25, 1.0), min_size=5, max_size=5)))
    return jnp.asarray(lower), jnp.asarray(upper)


vectors = st.lists(st.floats(-2.0, 2.0), min_size=5, max_size=5).map(jnp.asarray)


@settings(max_examples=25, deadline=None)
@given(polytopes(), vectors)
@example((jnp.zeros(5), jnp.array([0.5, 0.5, 0.5, 0.5, 1.0])), jnp.array([0.0, 0.0, 0.0, 0.0, 5.960464477539063e-08]))
def test_linear_minimum_equals_linear_programming(box, cost):
    lower, upper = box
    # HiGHS takes costs below 1e-7 for nothing, and any weights for the best, unless told otherwise.
    exact = {"dual_feasibility_tolerance": 1e-10, "primal_feasibility_tolerance": 1e-10}
    bounds = list(zip(lower, upper, strict=True))
    expected = linprog(cost, A_eq=np.ones((1, 5)), b_eq=[1.0], bounds=bounds, options=exact).fun
    assert float(budget_box.linear_minimum(cost, lower, upper)) == pytest.approx(expected, abs=1e-8)


def test_linear_minimum_by_hand():
    # .1 each at the lower bounds; .7 left: .4 to the cheapest, .3 to the next
    cost, lower, upper = jnp.array([3.0, 1.0, 2.0]), jnp.full(3, 0.1), jnp.full(3, 0.5)
    assert float(budget_box.linear_minimum(cost, lower, upper)) == pytest.approx(0.1 * 3 + 0.5 * 1 + 0.4 * 2)


@settings(max_examples=25, deadline=None)
@given(polytopes(), vectors)
def test_restored_points_are_feasible_and_feasible_points_stay(box, w):
    lower, upper = box
    point = budget_box.restore(w, lower, upper)
    assert float(jnp.sum(point)) == pytest.approx(1.0, abs=1e-12)
    assert bool(jnp.all((point >= lower - 1e-15) & (point <= upper + 1e-15)))
    np.testing.assert_allclose(budget_box.restore(point, lower, upper), point, atol=1e-15)
    middle = budget_box.centre(lower, upper)
    assert float(jnp.sum(middle)) == pytest.approx(1.0, abs=1e-12)
    assert bool(jnp.all((middle > lower) & (middle < upper)))


def test_centre_by_hand():
    # room .5 + 1.5, budget .5 above the lower bounds: a quarter of the way
    np.testing.assert_allclose(budget_box.centre(jnp.array([0.0, 0.5]), jnp.array([0.5, 2.0])), [0.125, 0.875])
    np.testing.assert_allclose(budget_box.centre(jnp.array([0.4, 0.6]), jnp.array([0.4, 0.6])), [0.4, 0.6])


@pytest.mark.parametrize(
    ("lower", "upper", "feasible"),
    [
        ([0.0, 0.0], [0.5, 0.5], True),
        ([0.0, 0.0], [0.5, 0.4], False),
        ([0.6, 0.5], [1.0, 1.0], False),
        ([0.5, 0.6], [1.0, 0.5], False),
        ([np.nan, 0.0], [1.0, 1.0], False),
    ],
)
def test_feasibility(lower, upper, feasible):
    assert bool(budget_box.is_feasible(jnp.array(lower), jnp.array(upper))) is feasible
