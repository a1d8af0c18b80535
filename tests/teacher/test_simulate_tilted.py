"""Paths with more jumps than the teacher's, weighed back to its law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import initial_state, simulate_tilted
from tests.statistics import assert_mean
from tests.teacher.conftest import with_flat, without_jumps

STEPS = 12
_PATH = jnp.array([0, 2, 1])


@pytest.mark.stat
@pytest.mark.slow
def test_tilted_paths_weigh_back_to_the_law_of_the_teacher(model):
    """Mean weight 1; and the mean number of jumps, and of squares of returns, under the weights are the plain ones."""
    busy = with_flat(model, lambda m: m.jumps.intensity, -2.0)

    @jax.jit
    def run(keys, tilt):
        start = initial_state(busy)
        return jax.vmap(lambda k: simulate_tilted(busy, k, start, _PATH, steps=STEPS, tilt=tilt))(keys)

    plain, nothing = run(jax.random.split(jax.random.key(6), 8000), 1.0)
    tilted, log_weight = run(jax.random.split(jax.random.key(7), 8000), 1.6)
    np.testing.assert_array_equal(nothing, 0.0)
    weight = np.exp(np.asarray(log_weight, float))
    assert_mean(weight, 1.0)
    assert int(np.sum(tilted.jumps)) > 1.5 * int(np.sum(plain.jumps))
    for number in (lambda p: np.asarray(p.jumps).sum(axis=1), lambda p: np.asarray(p.log_price[:, -1, 0]) ** 2):
        expected, error = np.mean(number(plain)), np.std(number(plain)) / np.sqrt(8000)
        assert_mean(weight * number(tilted), expected, bias=4.0 * error)


@pytest.mark.slow
def test_the_same_key_gives_the_same_noise_whatever_the_tilt(model, key):
    quiet = without_jumps(model)
    paths = [simulate_tilted(quiet, key, initial_state(quiet), _PATH, steps=3, tilt=t)[0] for t in (1.0, 2.0)]
    np.testing.assert_allclose(paths[0].log_price, paths[1].log_price, atol=1e-6)
