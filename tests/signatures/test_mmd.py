import itertools
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.signatures import robust_normalised, signature_mmd
from tests.statistics import assert_mean

N, STEPS = 24, 12
mmd = jax.jit(partial(signature_mmd, depth=3))
mmd_many = jax.jit(jax.vmap(partial(signature_mmd, depth=2)))


def brownian(key, shape):
    return jnp.cumsum(jr.normal(key, (*shape, STEPS, 1)), axis=-2)


def test_three_bare_lines_by_hand():
    """One step, depth 1, no augmentation: the feature is the increment, so the estimate is a sum by hand."""
    x, y = np.array([-1.0, 0.0]), np.array([1.0, 3.0])
    paths = [np.stack([np.zeros(2), ends], axis=1)[:, :, None] for ends in (x, y)]
    found = signature_mmd(*paths, depth=1, bandwidth=0.5, augment=lambda path: path)
    pooled = np.concatenate([x, y])
    centred = pooled - 0.5  # median of -1, 0, 1, 3; deviations 1.5, .5, .5, 2.5 have median 1
    z = centred / 1.4826
    z = z / np.sqrt(1 + (z / 8) ** 2)
    k = np.exp(-((z[:, None] - z[None, :]) ** 2) / (2 * 0.25))
    expected = k[0, 1] + k[2, 3] - 2 * (k[0, 2] + k[0, 3] + k[1, 2] + k[1, 3]) / 4
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # The median of the six squared differences, by default.
    squared = [(z[i] - z[j]) ** 2 for i, j in itertools.combinations(range(4), 2)]
    k = np.exp(-((z[:, None] - z[None, :]) ** 2) / (2 * np.median(squared)))
    expected = k[0, 1] + k[2, 3] - 2 * (k[0, 2] + k[0, 3] + k[1, 2] + k[1, 3]) / 4
    found = signature_mmd(*paths, depth=1, augment=lambda path: path)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_all_divisions_of_a_sample_average_to_zero(key):
    """Normalisation and bandwidth belong to the pool, so the mean over divisions is 0 to rounding, not on average."""
    pool = np.array(brownian(stream(key, "pool"), (6,)))
    left = np.array(list(itertools.combinations(range(6), 3)))
    right = np.array([[i for i in range(6) if i not in chosen] for chosen in left])
    found = mmd_many(jnp.asarray(pool[left]), jnp.asarray(pool[right]))
    np.testing.assert_allclose(np.mean(found), 0.0, atol=1e-12)
    assert np.min(found) < 0.0 < np.max(found)


@pytest.mark.slow
@pytest.mark.stat
def test_mean_zero_under_equality_and_far_from_it_under_another_scale(key):
    x, y = brownian(stream(key, "x"), (200, N)), brownian(stream(key, "y"), (200, N))
    equal = mmd_many(x, y)
    assert_mean(equal, 0.0)
    other = np.asarray(mmd_many(x, 2.0 * y))
    assert np.mean(other > np.quantile(equal, 0.95)) > 0.9


@pytest.mark.slow
@pytest.mark.stat
def test_it_sees_the_order_of_steps_not_only_their_sum(key):
    """Same end points in law, different paths: Brownian motion against a straight line to its end."""
    x = brownian(stream(key, "x"), (N,))
    ends = brownian(stream(key, "y"), (N,))[:, -1:, :]
    lines = jnp.linspace(0.0, 1.0, STEPS)[None, :, None] * ends
    assert mmd(x, lines) > 0.1
    assert abs(mmd(x, brownian(stream(key, "z"), (N,)))) < 0.1


def test_symmetric_and_blind_to_units_and_order(key):
    x, y = brownian(stream(key, "x"), (N,)), 1.3 * brownian(stream(key, "y"), (N,))
    found = mmd(x, y)
    np.testing.assert_allclose(mmd(y, x), found, rtol=1e-9)
    np.testing.assert_allclose(mmd(0.01 * x, 0.01 * y), found, rtol=1e-9)
    np.testing.assert_allclose(mmd(x[::-1], y), found, rtol=1e-9)


@pytest.mark.slow
def test_heavy_tails_stay_finite_in_single_precision(key):
    steps = jr.t(stream(key, "t"), 1.1, (2, N, STEPS, 1), dtype=jnp.float32)
    x, y = jnp.cumsum(steps, axis=2)
    found = mmd(x, y)
    assert found.dtype == jnp.float32
    assert np.isfinite(found)
    np.testing.assert_allclose(found, mmd(x.astype(float), y.astype(float)), atol=1e-4)


def test_the_gradient_is_that_of_the_estimate(key):
    x, y = brownian(stream(key, "x"), (N,)), 1.5 * brownian(stream(key, "y"), (N,))

    def scaled(factor):
        return mmd(x, factor * y)

    step = 1e-5
    slope = (scaled(1.0 + step) - scaled(1.0 - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(scaled)(1.0), slope, rtol=1e-4)


def test_equal_paths_are_at_distance_zero():
    paths = jnp.ones((N, STEPS, 1))
    np.testing.assert_allclose(mmd(paths, paths), 0.0, atol=1e-12)


def test_normalisation_by_hand():
    # Medians 3 and 0; absolute deviations 2, 1, 0, 1, 97 have median 1; the second column has only its mean, 1/5.
    sample = np.array([[1.0, 0.0, 7.0], [2.0, 0.0, 7.0], [3.0, 0.0, 7.0], [4.0, 0.0, 7.0], [100.0, 1.0, 7.0 + 1e-15]])
    found = robust_normalised(sample)
    np.testing.assert_allclose(found[:, 0], np.array([-2, -1, 0, 1, 97]) / 1.4826, rtol=1e-12)
    np.testing.assert_allclose(found[:, 1], np.array([0, 0, 0, 0, 5]) / 1.2533, rtol=1e-12)
    np.testing.assert_array_equal(found[:, 2], np.zeros(5))


def test_bad_arguments_are_refused():
    paths = np.zeros((3, STEPS, 1))
    with pytest.raises(ValueError, match="had 1 and 3"):
        signature_mmd(paths[:1], paths, depth=2)
    with pytest.raises(ValueError, match="bandwidth must be > 0, was 0"):
        signature_mmd(paths, paths, depth=2, bandwidth=0)
    with pytest.raises(RuntimeError, match="bandwidth must be > 0"):
        jax.jit(lambda width: signature_mmd(paths, paths, depth=1, bandwidth=width))(-1.0)
    huge = np.full((3, STEPS, 1), 1e30, np.float32) * np.arange(STEPS, dtype=np.float32)[None, :, None]
    with pytest.raises(RuntimeError, match="features must be finite"):
        signature_mmd(huge, huge, depth=2)
    with pytest.raises(ValueError, match="had none"):
        robust_normalised(np.zeros((0, 3)))
