"""Normals made in pairs: their law, their independence, and that they do not depend on how many are asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.stochastic.counter_random import normal_of, normal_pair, normals
from tests.statistics import assert_mean

_DTYPES = pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])


@pytest.mark.stat
@_DTYPES
def test_both_rows_are_standard_normal_and_independent(key, dtype):
    first, second = (np.asarray(row, float) for row in normal_pair(key, 200_000, dtype=dtype))
    for row in (first, second):
        assert stats.kstest(row, stats.norm.cdf).pvalue > 1e-3
        for order, expected in ((1, 0.0), (2, 1.0), (4, 3.0)):
            assert_mean(row**order, expected)
        assert_mean(row[1:] * row[:-1], 0.0)
    for order in (1, 2):
        assert_mean(first**order * second**order, float(order == 2))


@_DTYPES
def test_it_is_the_inverse_of_the_normal_distribution(dtype):
    uniform = np.array([1e-6, 0.1, 0.5, 0.75, 1.0 - 2.0**-20], dtype)
    found = normal_of(jnp.asarray(uniform))
    assert found.dtype == dtype
    accuracy = 0.02 if dtype == jnp.float32 else 1e-9  # single precision has few numbers next to 0 and 1
    np.testing.assert_allclose(found, stats.norm.ppf(uniform.astype(float)), rtol=accuracy, atol=1e-7)
    assert np.all(np.isfinite(normal_of(jnp.zeros(1, dtype))))


@_DTYPES
def test_a_row_is_a_pair_laid_out_in_turn_and_begins_alike_whatever_its_length(key, dtype):
    first, second = normal_pair(key, 4, dtype=dtype)
    row = normals(key, 7, dtype=dtype)
    assert row.dtype == dtype
    np.testing.assert_array_equal(row, np.stack([first, second], axis=1).reshape(-1)[:7])
    np.testing.assert_array_equal(normals(key, 3, dtype=dtype), row[:3])


def test_another_generator_serves_too():
    key = jax.random.key(3, impl="rbg")
    row = np.asarray(normals(key, 10_001, dtype=jnp.float32), float)
    assert row.shape == (10_001,)
    assert_mean(row, 0.0)
    assert_mean(row**2, 1.0)
