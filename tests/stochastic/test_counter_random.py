"""The generator written out: the words of JAX's own, and numbers with the laws they claim."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from aurora_jax.stochastic.counter_random import normal_pair, threefry_words, uniform_pair, uniform_pair_at

COUNT = 4096


def single(key):
    return uniform_pair(key, COUNT, dtype=jnp.dtype("float32"))


def test_words_are_those_of_jax(key):
    """JAX's primitive takes the first words' counters before the second words'."""
    counters = jnp.arange(64, dtype=jnp.uint32)
    expected = threefry_2x32(jax.random.key_data(key), jnp.concatenate([jnp.zeros_like(counters), counters]))
    np.testing.assert_array_equal(jnp.concatenate(jax.jit(threefry_words)(key, counters)), expected)


def test_a_published_vector():
    """Random123's known answers for Threefry-2x32-20: key and counter 0."""
    zero = jax.random.wrap_key_data(jnp.zeros(2, jnp.uint32))
    first, second = threefry_words(zero, jnp.zeros(1, jnp.uint32))
    assert (int(first[0]), int(second[0])) == (0x6B200159, 0x99BA4EFE)


def test_doubles_are_those_of_jax(key):
    """The first row is JAX's; the second is what JAX would draw 2^31 numbers later, by its own primitive."""
    first, second = jax.jit(lambda key: normal_pair(key, COUNT))(key)
    np.testing.assert_array_equal(first, jax.random.normal(key, (COUNT,)))
    counters = 2**31 + jnp.arange(COUNT, dtype=jnp.uint32)
    words = threefry_2x32(jax.random.key_data(key), jnp.concatenate([jnp.zeros_like(counters), counters]))
    high, low = np.asarray(words).reshape(2, COUNT).astype(np.uint64)
    uniform = ((high << np.uint64(32) | low) >> np.uint64(12)).astype(float) * 2.0**-52
    np.testing.assert_allclose(second, stats.norm.ppf(uniform), rtol=1e-9, atol=1e-9)


def test_a_counter_alone_gives_its_numbers(key):
    counters = jnp.arange(8, dtype=jnp.uint32)
    for dtype in (jnp.dtype("float32"), jnp.dtype("float64")):
        together = np.stack(uniform_pair_at(key, counters, dtype=dtype))
        alone = np.concatenate([np.stack(uniform_pair_at(key, counters[i : i + 1], dtype=dtype)) for i in range(8)], 1)
        np.testing.assert_array_equal(together, alone)
        assert np.unique(together).size == 16


@pytest.mark.stat
@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg"])
def test_singles_are_uniform_normal_and_independent(implementation):
    key = jax.random.key(3, impl=implementation)
    rows = np.asarray(jax.jit(single)(key))
    assert rows.dtype == np.float32
    assert np.all((rows >= 0.0) & (rows < 1.0))
    with jax.enable_x64(False):
        normals = np.asarray(jax.jit(lambda key: normal_pair(key, COUNT))(key))
    assert normals.dtype == np.float32
    for row, normal in zip(rows, normals, strict=True):
        assert stats.kstest(row, "uniform").pvalue > 1e-3
        assert stats.kstest(normal, "norm").pvalue > 1e-3
    for sample in (rows, normals):
        first, second = stats.rankdata(sample[0]), stats.rankdata(sample[1])
        assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / np.sqrt(COUNT)
        assert abs(np.corrcoef(first[1:], second[:-1])[0, 1]) < 4.0 / np.sqrt(COUNT)
