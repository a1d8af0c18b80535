import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.timeseries import _bounded
from aurora_jax.timeseries._bounded import Slopes, minimise


def in_lanes(objective):
    """Return the objective of one point with automatic derivatives, for every lane."""

    def slopes(point, data):
        del data
        value = jax.vmap(objective, in_axes=-1)(point)
        gradient = jax.vmap(jax.grad(objective), in_axes=-1, out_axes=-1)(point)
        return Slopes(value, gradient, jax.vmap(jax.hessian(objective), in_axes=-1, out_axes=-1)(point))

    return slopes


def minimise_one(objective, start, **limits):
    found = jax.jit(lambda: minimise(in_lanes(objective), (), start[:, None], **limits))()
    return jax.tree.map(lambda leaf: leaf[..., 0], found)


def rosenbrock(point):
    x, y = point
    return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


def test_the_valley_is_followed_to_its_end():
    wide = jnp.full(2, 10.0)
    found = minimise_one(rosenbrock, jnp.array([-1.2, 1.0]), lower=-wide, upper=wide)
    assert bool(found.converged)
    np.testing.assert_allclose(found.point, [1.0, 1.0], atol=1e-5)


def test_an_active_bound_moves_the_minimum_along_the_face():
    # With x <= 0.5 the minimum is on that face at y = x**2 and its value is (1 - x)**2.
    upper = jnp.array([0.5, 10.0])
    found = minimise_one(rosenbrock, jnp.array([-1.2, 1.0]), lower=-jnp.full(2, 10.0), upper=upper)
    assert bool(found.converged)
    np.testing.assert_allclose(found.point, [0.5, 0.25], atol=1e-6)
    np.testing.assert_allclose(found.value, 0.25, atol=1e-9)


def test_a_correlated_quadratic_in_a_corner():
    # f = x'Ax/2 - b'x over x >= 0; the free minimum (-1/3, 5/3) is outside, on the face x = 0 it is y = 3/2.
    hessian, slope = jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([1.0, 3.0])
    found = minimise_one(
        lambda x: 0.5 * x @ hessian @ x - slope @ x, jnp.array([3.0, 0.0]), lower=jnp.zeros(2), upper=jnp.full(2, 9.0)
    )
    np.testing.assert_allclose(found.point, [0.0, 1.5], atol=1e-5)


def test_a_start_of_negative_curvature_still_descends():
    # x**4 - 2 x**2 is concave at 0.1; Newton's plain step would climb to the maximum at 0.
    found = minimise_one(
        lambda x: jnp.sum(x**4 - 2.0 * x**2), jnp.array([0.1]), lower=jnp.full(1, -3.0), upper=jnp.full(1, 3.0)
    )
    np.testing.assert_allclose(found.point, [1.0], atol=1e-5)


@pytest.mark.parametrize("budget", [1, 2])
def test_a_spent_budget_is_said(budget):
    wide = jnp.full(2, 10.0)
    found = minimise_one(rosenbrock, jnp.array([-1.2, 1.0]), lower=-wide, upper=wide, max_evaluations=budget)
    assert not bool(found.converged)
    assert int(found.evaluations) == budget


def test_a_factorised_matrix_is_made_positive_only_where_it_is_not():
    """Symmetric positive matrices are solved as they are; (4, 2; 2, -3) = LDL' with D = (4, -4) becomes D = (4, 4)."""
    rng = np.random.default_rng(1)
    root = rng.standard_normal((5, 4, 4))
    positive, right = root @ np.swapaxes(root, 1, 2) + np.eye(4), rng.standard_normal((5, 4))
    solved = _bounded._solve_positive(jnp.moveaxis(jnp.asarray(positive), 0, -1), jnp.asarray(right.T))
    np.testing.assert_allclose(solved.T, np.linalg.solve(positive, right[..., None])[..., 0], rtol=1e-9)
    turned = _bounded._solve_positive(jnp.array([[[4.0], [2.0]], [[2.0], [-3.0]]]), jnp.array([[8.0], [12.0]]))
    np.testing.assert_allclose(turned[:, 0], np.linalg.solve([[4.0, 2.0], [2.0, 5.0]], [8.0, 12.0]), rtol=1e-12)


def test_more_lanes_than_a_tile_end_where_single_ones_do():
    """Starts all over the plane need from few to many evaluations, so that finished lanes are left behind."""
    lanes = 2 * _bounded.TILE + 7
    starts = jnp.asarray(np.random.default_rng(2).uniform(-5.0, 5.0, (2, lanes)))
    wide = jnp.full(2, 10.0)
    found = jax.jit(lambda start: minimise(in_lanes(rosenbrock), (), start, lower=-wide, upper=wide))(starts)
    assert np.all(found.converged)
    assert np.max(found.evaluations) > 2 * np.min(found.evaluations)
    np.testing.assert_allclose(found.point, 1.0, atol=1e-5)
    few = jax.jit(lambda start: minimise(in_lanes(rosenbrock), (), start, lower=-wide, upper=wide))(starts[:, :3])
    np.testing.assert_array_equal(few.evaluations, found.evaluations[:3])
