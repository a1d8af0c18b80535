"""Branching matrices: none of them explodes, all of them are reached, and numpy's eigenvalues agree."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic import MultivariateHawkes, stable_branching
from aurora_jax.stochastic.branching_matrix import perron_root

bounded = jax.jit(stable_branching, static_argnames="radius")
accepted = eqx.filter_jit(lambda branching: MultivariateHawkes(jnp.ones(3), branching, 1.0).branching)


def largest(matrix):
    return np.max(np.abs(np.linalg.eigvals(matrix)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-20.0, 20.0), min_size=9, max_size=9), st.sampled_from([0.3, 0.99]))
def test_any_matrix_becomes_stable_and_can_be_told_back(raw, radius):
    branching = np.asarray(bounded(jnp.array(raw).reshape(3, 3), radius=radius))
    assert np.all(branching > 0.0)
    assert largest(branching) < radius
    back = branching / (radius - largest(branching))
    np.testing.assert_allclose(back, np.logaddexp(0.0, np.reshape(raw, (3, 3))), rtol=1e-6)


def test_the_perron_root_has_the_derivative_of_the_largest_eigenvalue():
    """Central differences of numpy's eigenvalues, not far from each other."""
    matrix = np.array([[0.5, 1e-3, 0.2], [0.4, 0.6, 1e-3], [1e-3, 0.3, 0.7]])
    value, slope = jax.jit(jax.value_and_grad(perron_root))(jnp.asarray(matrix))
    np.testing.assert_allclose(value, largest(matrix), rtol=1e-12)
    for entry in np.ndindex(3, 3):
        bump = np.zeros((3, 3))
        bump[entry] = 1e-6
        np.testing.assert_allclose(slope[entry], (largest(matrix + bump) - largest(matrix - bump)) / 2e-6, rtol=1e-6)


def cycle(*raw, rest):
    """Return raw entries of A exciting B exciting C exciting A, and nearly nothing else."""
    matrix = np.full((3, 3), rest)
    matrix[[0, 1, 2], [1, 2, 0]] = raw
    return matrix


@pytest.mark.parametrize(
    "raw",
    [
        cycle(20.0, 20.0, np.log(np.expm1(0.5)), rest=-20.0),
        cycle(5.0, 5.0, -1.0, rest=-12.0),
        cycle(5.0, 5.0, -1.0, rest=-9.0),
        np.array([[-20.0, 4.0, -20.0], [0.5, -20.0, -20.0], [-20.0, -20.0, -20.0]]),
    ],
)
def test_cycles_are_stable_too(raw):
    """All eigenvalues of a cycle are equally large: powers of the matrix turn instead of settling."""
    positive = np.logaddexp(0.0, raw)
    np.testing.assert_allclose(jax.jit(perron_root)(jnp.asarray(positive)), largest(positive), rtol=1e-10)
    for radius in (0.99, 1.0):
        branching = bounded(jnp.asarray(raw), radius=radius)
        np.testing.assert_allclose(
            largest(np.asarray(branching)), radius * (1 - 1 / (1 + largest(positive))), rtol=1e-9
        )
    MultivariateHawkes(jnp.ones(3), branching, 1.0)
    slope = jax.jit(jax.grad(lambda m: perron_root(m)))(jnp.asarray(positive))
    for entry in ((0, 1), (1, 2), (1, 0)):
        bump = np.zeros((3, 3))
        bump[entry] = 1e-6
        expected = (largest(positive + bump) - largest(positive - np.minimum(bump, positive))) / (
            bump[entry] + min(bump[entry], positive[entry])
        )
        np.testing.assert_allclose(slope[entry], expected, rtol=1e-4, atol=1e-5)


def test_raw_numbers_must_be_finite():
    with pytest.raises(ValueError, match=r"raw must lie in .*, was nan"):
        stable_branching(jnp.full((2, 2), jnp.nan), radius=0.5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 1.0) | st.just(0.0), min_size=9, max_size=9), st.floats(1e-6, 0.5))
def test_traced_matrices_are_judged_by_their_eigenvalue(entries, distance):
    """Also reducible and nilpotent ones; just below 1 is accepted and just above is refused."""
    matrix = np.reshape(entries, (3, 3))
    if largest(matrix) < 1e-3:  # cannot be scaled to any radius: never explodes
        accepted(jnp.asarray(1e3 * matrix))
        return
    accepted(jnp.asarray(matrix / largest(matrix) * (1.0 - distance)))
    with pytest.raises(RuntimeError, match="the spectral radius of branching must be < 1"):
        accepted(jnp.asarray(matrix / largest(matrix) * (1.0 + distance)))


@pytest.mark.parametrize("radius", [0.0, 1.5, np.nan])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(ValueError, match=f"radius must lie in .*, was {radius}"):
        stable_branching(jnp.zeros((2, 2)), radius=radius)
