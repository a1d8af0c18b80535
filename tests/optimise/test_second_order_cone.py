import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.optimise import second_order_cone as soc

tails = st.lists(st.floats(-3, 3), min_size=3, max_size=3)
margins = st.floats(1e-3, 5.0)


def interior(tail, margin):
    return jnp.asarray([np.linalg.norm(tail) + margin, *tail])


def as_matrix(apply):
    return np.stack([np.asarray(apply(jnp.asarray(row))) for row in np.eye(4)], axis=1)


@settings(max_examples=25, deadline=None)
@given(tails, margins, tails, margins)
def test_scaling_maps_dual_and_slack_to_one_point(s_tail, s_margin, z_tail, z_margin):
    """The definition, W z = W^-1 s, and the closed form W^2 = eta^2 (2 w w' - J)."""
    s, z = interior(s_tail, s_margin), interior(z_tail, z_margin)
    scaling = soc.nesterov_todd(s, z)
    np.testing.assert_allclose(soc.scale(scaling, z), soc.unscale(scaling, s), rtol=1e-7, atol=1e-9)
    w, w_inverse = (as_matrix(lambda v, f=f: f(scaling, v)) for f in (soc.scale, soc.unscale))
    np.testing.assert_allclose(w @ w_inverse, np.eye(4), atol=1e-8 * np.abs(w).max() * np.abs(w_inverse).max())
    squared = float(scaling.eta) ** 2 * (2 * np.outer(scaling.axis, scaling.axis) - np.diag([1, -1, -1, -1]))
    np.testing.assert_allclose(w @ w, squared, rtol=1e-9, atol=1e-9 * np.abs(squared).max())


@settings(max_examples=25, deadline=None)
@given(tails, margins, st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_division_undoes_the_jordan_product(tail, margin, other):
    s, x = interior(tail, margin), jnp.asarray(other)
    np.testing.assert_allclose(soc.divide(s, soc.product(s, x)), x, rtol=1e-6, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(tails, margins, st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_step_ends_on_the_boundary_and_not_before(tail, margin, direction):
    s, ds = interior(tail, margin), jnp.asarray(direction)
    step = float(soc.step_to_boundary(s, ds))
    inside = lambda x: float(x[0] - jnp.linalg.norm(x[1:]))  # noqa: E731
    reach = min(step, 1e4)
    for share in (0.3, 0.9, 0.999):
        assert inside(s + share * reach * ds) > -1e-9
    if step < 1e4:
        assert inside(s + 1.01 * step * ds) < 1e-7


def test_steps_by_hand():
    start = jnp.array([5.0, 3.0, 0.0])
    for direction, expected in (
        ([-1.0, 0.0, 0.0], 2.0),  # down the axis
        ([0.0, 1.0, 0.0], 2.0),
        ([0.0, 0.0, 1.0], 4.0),  # 3, 4, 5
        ([1.0, 1.0, 0.0], np.inf),  # along a ray of the cone
        ([2.0, 0.0, 1.0], np.inf),
        ([0.0, 0.0, 0.0], np.inf),
    ):
        assert float(soc.step_to_boundary(start, jnp.array(direction))) == pytest.approx(expected)
    assert float(soc.determinant(start)) == 16.0
