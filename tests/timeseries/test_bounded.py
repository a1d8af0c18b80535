import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.timeseries._bounded import minimise


def rosenbrock(point):
    x, y = point
    return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


def test_the_valley_is_followed_to_its_end():
    wide = jnp.full(2, 10.0)
    found = jax.jit(lambda: minimise(rosenbrock, jnp.array([-1.2, 1.0]), lower=-wide, upper=wide))()
    assert bool(found.converged)
    np.testing.assert_allclose(found.point, [1.0, 1.0], atol=1e-6)


def test_an_active_bound_moves_the_minimum_along_the_face():
    # With x <= 0.5 the minimum is on that face at y = x**2 and its value is (1 - x)**2.
    upper = jnp.array([0.5, 10.0])
    found = jax.jit(lambda: minimise(rosenbrock, jnp.array([-1.2, 1.0]), lower=-jnp.full(2, 10.0), upper=upper))()
    assert bool(found.converged)
    np.testing.assert_allclose(found.point, [0.5, 0.25], atol=1e-6)
    np.testing.assert_allclose(found.value, 0.25, atol=1e-9)


def test_a_correlated_quadratic_in_a_corner():
    # f = x'Ax/2 - b'x over x >= 0; the free minimum (-1/3, 5/3) is outside, on the face x = 0 it is y = 3/2.
    hessian, slope = jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([1.0, 3.0])
    found = minimise(
        lambda x: 0.5 * x @ hessian @ x - slope @ x, jnp.array([3.0, 0.0]), lower=jnp.zeros(2), upper=jnp.full(2, 9.0)
    )
    np.testing.assert_allclose(found.point, [0.0, 1.5], atol=1e-6)


def test_a_start_of_negative_curvature_still_descends():
    # x**4 - 2 x**2 is concave at 0.1; Newton's plain step would climb to the maximum at 0.
    found = minimise(
        lambda x: jnp.sum(x**4 - 2.0 * x**2), jnp.array([0.1]), lower=jnp.full(1, -3.0), upper=jnp.full(1, 3.0)
    )
    np.testing.assert_allclose(found.point, [1.0], atol=1e-6)


@pytest.mark.parametrize("budget", [1, 2])
def test_a_spent_budget_is_said(budget):
    wide = jnp.full(2, 10.0)
    found = minimise(rosenbrock, jnp.array([-1.2, 1.0]), lower=-wide, upper=wide, max_evaluations=budget)
    assert not bool(found.converged)
    assert int(found.evaluations) == budget
