"""The root of a positive semi-definite matrix and its derivative, by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.stochastic.matrix_root import positive_root

directional = jax.jit(lambda matrix, change: jax.jvp(positive_root, (matrix,), (change,)))


def test_negative_eigenvalues_are_clipped():
    # Eigenvectors (1, 1) and (1, -1) with eigenvalues 4 and -2: only the first remains, 2 * (1, 1)(1, 1)' / 2.
    np.testing.assert_allclose(positive_root(jnp.array([[1.0, 3.0], [3.0, 1.0]])), np.ones((2, 2)), atol=1e-12)


def test_derivative_where_all_eigenvalues_meet():
    # (I + t C)^(1/2) = I + t C / 2 + ...; the derivative of eigenvectors would be 0/0 here.
    change = jnp.array([[1.0, 2.0, 0.0], [2.0, -1.0, 0.5], [0.0, 0.5, 3.0]])
    root, slope = directional(jnp.eye(3), change)
    np.testing.assert_allclose(root, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(slope, 0.5 * change, atol=1e-12)


def test_derivative_along_the_range_of_a_singular_matrix():
    # S = s 11' has root sqrt(s / 2) 11'; its derivative in s is 11' / sqrt(8 s).
    ones = jnp.ones((2, 2))
    root, slope = directional(2.0 * ones, ones)
    np.testing.assert_allclose(root, ones, atol=1e-12)
    np.testing.assert_allclose(slope, 0.25 * ones, atol=1e-12)


def test_derivative_between_a_kept_and_a_clipped_eigenvalue():
    # diag(4, -12) + t (0 1; 1 0): to first order the kept eigenvector turns by t / 16, hence 2 (0 1; 1 0) / 16.
    change = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    root, slope = directional(jnp.diag(jnp.array([4.0, -12.0])), change)
    np.testing.assert_allclose(root, np.diag([2.0, 0.0]), atol=1e-12)
    np.testing.assert_allclose(slope, change / 8.0, atol=1e-12)
