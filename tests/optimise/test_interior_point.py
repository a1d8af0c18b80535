"""The generic method on a program without structure: a dense textbook twin of what HingeProgram does by parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from scipy.optimize import linprog

from aurora_jax.optimise import AbstractConicProgram, Cone, Scaling, second_order_cone, solve


class DenseProgram(AbstractConicProgram):
    """min q'x, A x = b, h - G x in an orthant of `linear` rows times a second-order cone."""

    q: Float[Array, " x"]
    matrix: Float[Array, "m x"]
    offset: Float[Array, " m"]
    equalities: Float[Array, "p x"]
    linear: int

    def _cone(self, rows):
        return Cone(rows[: self.linear], rows[self.linear :])

    def slack(self, x):
        return self._cone(self.offset - self.matrix @ x)

    def factor(self, scaling: Scaling):
        metric = jnp.diag(scaling.orthant)
        if scaling.second_order is not None:
            eye = jnp.eye(self.offset.size - self.linear)
            inverse = jax.vmap(lambda row: second_order_cone.unscale(scaling.second_order, row))(eye)
            metric = jax.scipy.linalg.block_diag(metric, inverse @ inverse)
        p = self.equalities.shape[0]
        hessian = self.matrix.T @ metric @ self.matrix
        return jnp.block([[hessian, self.equalities.T], [self.equalities, jnp.zeros((p, p))]])

    def direction(self, factor, shift, *, refined):
        force = -self.q - self.matrix.T @ jnp.concatenate([shift.orthant, shift.second_order])
        dx = jnp.linalg.solve(factor, jnp.append(force, jnp.zeros(self.equalities.shape[0])))[: self.q.size]
        return dx, self._cone(-self.matrix @ dx)


def test_linear_program_equals_scipy():
    rng = np.random.default_rng(3)
    q, matrix = rng.normal(size=5), np.vstack([-np.eye(5), rng.normal(size=(4, 5))])
    x = np.full(5, 0.2)
    offset = matrix @ x + 0.3
    offset[:5] = 0.0  # x >= 0
    program = DenseProgram(*map(jnp.asarray, (q, matrix, offset, np.ones((1, 5)))), linear=9)
    found = jax.jit(lambda: solve(program, jnp.asarray(x), Cone(jnp.ones(9), jnp.zeros(0)), tolerance=1e-11))()
    expected = linprog(q, A_ub=matrix, b_ub=offset, A_eq=np.ones((1, 5)), b_eq=[1.0], bounds=[(None, None)] * 5)
    assert bool(found.converged)
    assert int(found.iterations) < 20
    assert float(q @ found.x) == pytest.approx(expected.fun, abs=1e-10)
    # the multipliers prove it: q + G'z + A'y = 0 for some y, so all entries of q + G'z are equal
    stationary = q + matrix.T @ np.asarray(found.dual.orthant)
    np.testing.assert_allclose(stationary, stationary.mean(), atol=1e-9)


def test_second_order_program_has_its_closed_form():
    """min q'x over the unit ball and x_1 = 0: minus the length of the rest of q, at minus its direction."""
    q = jnp.array([5.0, 3.0, -4.0, 12.0])
    matrix = jnp.concatenate([jnp.zeros((1, 4)), -jnp.eye(4)])
    program = DenseProgram(q, matrix, jnp.eye(1, 5)[0], jnp.eye(1, 4), linear=0)
    dual = Cone(jnp.zeros(0), jnp.eye(1, 5)[0] * 20.0)
    found = jax.jit(lambda: solve(program, jnp.zeros(4), dual, tolerance=1e-11))()
    assert bool(found.converged)
    np.testing.assert_allclose(found.x, [0.0, -3 / 13, 4 / 13, -12 / 13], atol=1e-6)
    assert float(q @ found.x) == pytest.approx(-13.0, abs=1e-10)


def test_nan_ends_at_once_without_convergence():
    program = DenseProgram(jnp.full(2, jnp.nan), -jnp.eye(2), jnp.zeros(2), jnp.ones((1, 2)), linear=2)
    found = solve(program, jnp.full(2, 0.5), Cone(jnp.ones(2), jnp.zeros(0)), tolerance=1e-9)
    assert not bool(found.converged)
    assert int(found.iterations) == 0
    np.testing.assert_allclose(found.x, 0.5)


def test_unbounded_program_does_not_claim_convergence():
    program = DenseProgram(jnp.array([-1.0, 0.0]), -jnp.eye(2), jnp.zeros(2), jnp.array([[1.0, -1.0]]), linear=2)
    found = solve(program, jnp.ones(2), Cone(jnp.ones(2), jnp.zeros(0)), tolerance=1e-9)
    assert not bool(found.converged)
    assert np.all(np.isfinite(found.x))
