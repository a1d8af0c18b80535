"""The inputs of a path: what is white is white, what should not know of each other does not."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import Ablation
from aurora_jax.teacher.noise import along_path, draw_noise
from tests.statistics import assert_mean
from tests.teacher.conftest import ASSETS, build, with_flat, with_hurst

_STEPS, _PATHS, _BLOCKS = 6, 20_000, jnp.array([0, 2])


def _drawn(model, *, steps=_STEPS, paths=_PATHS):
    @jax.jit
    def draw(model, keys):
        parameters = along_path(model, _BLOCKS, jnp.repeat(_BLOCKS, steps // 2), steps // 2)
        return jax.vmap(lambda key: draw_noise(model, key, parameters, _BLOCKS, step_size=1.0))(keys)

    return jax.tree.map(lambda leaf: np.asarray(leaf, float), draw(model, jax.random.split(jax.random.key(11), paths)))


@pytest.fixture(scope="module")
def teacher():
    """Two factors without leverage, white; marks of scale 1 without contagion."""
    model = with_flat(with_hurst(build(factors=2), 0.5), lambda m: m.volatility.correlation, 0.0)
    return with_flat(model, lambda m: m.jumps.contagion, -200.0)


@pytest.fixture(scope="module")
def noise(teacher):
    return _drawn(teacher)


@pytest.mark.stat
def test_prices_factors_and_marks_are_white_and_independent(noise):
    """All pairs of inputs of two neighbouring steps; a mark by its sign, which the heavy scale leaves alone."""
    inputs = np.concatenate([noise.price, noise.volatility, np.sign(noise.mark)], axis=2)[:, 2:4].reshape(_PATHS, -1)
    assert_mean(inputs[:, :, None] * inputs[:, None, :], np.eye(2 * (2 * ASSETS + 2)), sigmas=4.5, bias=1e-6)


@pytest.mark.stat
def test_sizes_do_not_tell_of_each_other(noise):
    """Squares of prices and of factors, and whether a mark is large, are uncorrelated."""
    large = np.abs(noise.mark) > np.median(np.abs(noise.mark), axis=0)
    price, factor = noise.price**2 - 1.0, noise.volatility**2 - 1.0
    for one, other in ((price, large - 0.5), (factor, large - 0.5), (price, factor)):
        assert_mean(one * other, 0.0, sigmas=4.5)


@pytest.mark.stat
def test_uniforms_are_uniform_and_independent(noise):
    flat = np.sqrt(12.0) * (noise.jump_uniforms[:, 0] - 0.5).reshape(_PATHS, -1)
    assert np.all((noise.jump_uniforms >= 0.0) & (noise.jump_uniforms < 1.0))
    assert_mean(flat[:, :, None] * flat[:, None, :], np.eye(flat.shape[1]), sigmas=4.5)
    assert_mean(flat**4, 1.8, sigmas=4.5)  # of a uniform with variance 1


def test_taking_out_the_jumps_leaves_the_rest_alone(teacher, noise):
    quiet = _drawn(dataclasses.replace(teacher, ablation=Ablation(no_jumps=True)))
    np.testing.assert_allclose(quiet.price, noise.price, atol=1e-6)
    np.testing.assert_allclose(quiet.volatility, noise.volatility, atol=1e-6)
    assert quiet.jump_uniforms.shape[2] == 0
    assert not np.any(quiet.mark)
