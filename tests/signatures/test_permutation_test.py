"""The permutation test: its sums by a slow twin, its p-value by enumeration, its size and its power."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.signatures import signature_mmd, signature_mmd_test
from aurora_jax.signatures.u_statistic import divided
from aurora_jax.stochastic import fractional_gaussian_noise

N, STEPS = 16, 10
run = jax.jit(partial(signature_mmd_test, depth=2, permutations=199))
run_many = jax.jit(jax.vmap(run))


def paths(increments):
    return jnp.cumsum(increments, axis=-1)[..., None]


def test_sums_against_a_double_loop():
    generator = np.random.default_rng(1)
    root = generator.standard_normal((7, 7))
    gram = root @ root.T
    first = np.array([1, 0, 1, 1, 0, 0, 1])
    x, y = np.flatnonzero(first), np.flatnonzero(1 - first)
    slow = sum(gram[i, j] for i in x for j in x if i != j) / 12
    slow += sum(gram[i, j] for i in y for j in y if i != j) / 6
    slow -= 2 * sum(gram[i, j] for i in x for j in y) / 12
    both = divided(lambda a, b: a @ b.T, jnp.asarray(root), jnp.asarray(np.array([first, 1 - first]), float))
    np.testing.assert_allclose(both, [slow, slow], rtol=1e-12)


def test_blocks_make_no_difference():
    """600 points make two full blocks of rows; 513 make two, the second padded."""
    for pool in (600, 513):
        root = np.random.default_rng(pool).standard_normal((pool, 2))
        gram = 1.0 + root @ root.T
        first = np.arange(pool) % 3 == 0
        n, m = np.sum(first), np.sum(~first)
        slow = (np.sum(gram[first][:, first]) - np.trace(gram[first][:, first])) / (n * (n - 1))
        slow += (np.sum(gram[~first][:, ~first]) - np.trace(gram[~first][:, ~first])) / (m * (m - 1))
        slow -= 2 * np.mean(gram[first][:, ~first])
        found = divided(lambda a, b: 1.0 + a @ b.T, jnp.asarray(root), jnp.asarray(first, float))
        np.testing.assert_allclose(found, slow, rtol=1e-10)


def test_two_and_two_lines_by_enumeration():
    """Lines that end at 0, .1 and 5, 5.1: of the six divisions of four, the observed one and its mirror are largest."""
    ends = np.array([0.0, 0.1, 5.0, 5.1])
    lines = np.stack([np.zeros(4), ends], axis=1)[:, :, None]
    found = signature_mmd_test(jr.key(5), lines[:2], lines[2:], depth=1, permutations=4000, augment=lambda path: path)
    assert abs(found.p_value - 1 / 3) < 4 * np.sqrt(2 / 9 / 4000)
    statistic = signature_mmd(lines[:2], lines[2:], depth=1, augment=lambda path: path)
    np.testing.assert_allclose(found.statistic, statistic, rtol=1e-12)


def test_far_apart_gives_the_smallest_p_value_and_one_sample_twice_gives_one(key):
    x = paths(jr.normal(stream(key, "x"), (N, STEPS)))
    np.testing.assert_allclose(run(key, x, 5.0 + 3.0 * x[::-1] ** 2).p_value, 1 / 200)
    # The same paths twice: no division brings the samples closer than the observed one.
    np.testing.assert_allclose(run(key, x, x).p_value, 1.0)


def test_infinite_variance_is_no_trouble(key):
    found = run(key, *(paths(jr.t(stream(key, name), 1.1, (N, STEPS))) for name in ("x", "y")))
    assert np.isfinite(found.statistic)
    assert 0.0 < found.p_value <= 1.0


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("law", ["normal", "student"])
def test_size_is_five_per_cent(key, law):
    """Within 2 %, which is four standard errors of 2,000 tests; under Student-t(3) increments, too."""
    draw = jr.normal if law == "normal" else partial(jr.t, df=3.0)
    x, y = (paths(draw(stream(key, law, name), shape=(2000, N, STEPS))) for name in ("x", "y"))
    p_values = np.asarray(jax.lax.map(lambda a: run(*a).p_value, (jr.split(key, 2000), x, y), batch_size=100))
    assert np.all(np.isfinite(p_values))
    assert abs(np.mean(p_values <= 0.05) - 0.05) < 0.02
    # Uniform everywhere, not only there.
    assert abs(np.mean(p_values <= 0.5) - 0.5) < 4 * np.sqrt(0.25 / 2000)


@pytest.mark.slow
@pytest.mark.stat
def test_power_against_another_roughness(key):
    """40 paths of 24 steps, depth 3: Brownian motion against fractional with H = .3, of equal variance a step."""
    noise = jax.jit(jax.vmap(lambda k, hurst: fractional_gaussian_noise(k, hurst=hurst, steps=24), in_axes=(0, None)))
    x, y = (
        paths(noise(jr.split(stream(key, str(hurst)), 200 * 40), hurst).reshape(200, 40, 24)) for hurst in (0.5, 0.3)
    )
    deep = partial(signature_mmd_test, depth=3, permutations=199)
    p_values = np.asarray(jax.lax.map(lambda a: deep(*a).p_value, (jr.split(key, 200), x, y), batch_size=50))
    assert np.mean(p_values <= 0.05) > 0.9


def test_bad_arguments_are_refused(key):
    x = np.zeros((3, STEPS, 1))
    with pytest.raises(ValueError, match="permutations must be at least 1, was 0"):
        signature_mmd_test(key, x, x, depth=2, permutations=0)
    with pytest.raises(ValueError, match="equal steps and channels"):
        signature_mmd_test(key, x, x[:, 1:], depth=2)
    with pytest.raises(RuntimeError, match="must be finite"):
        signature_mmd_test(key, np.full((3, STEPS, 1), np.nan), x, depth=1, permutations=1)
