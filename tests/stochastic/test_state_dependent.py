"""Jumps thinned by the state: Poisson whatever the bound, and honest where the bound was wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.stochastic import jump_candidates, thinned
from tests.statistics import assert_mean

STEPS = 20_000


@pytest.fixture(scope="module")
def candidates():
    bound = jnp.tile(jnp.array([2.0, 4.0]), STEPS // 2)
    return jax.jit(lambda key: jump_candidates(key, bound=bound, step_size=0.5, places=14))(jax.random.key(8))


@pytest.mark.stat
def test_counts_are_poisson_with_the_intensity_whatever_the_bound(candidates):
    assert not np.any(candidates.overflowed)
    counts = np.asarray(jnp.sum(jax.vmap(thinned, in_axes=(0, None))(candidates, jnp.asarray(1.4)).kept, axis=1))
    for part in (counts[::2], counts[1::2]):
        for moment, expected in ((part, 0.7), ((part - 0.7) ** 2, 0.7), (part == 0, np.exp(-0.7))):
            assert_mean(moment, expected)


@pytest.mark.stat
def test_a_state_in_a_scan_moves_its_own_intensity(candidates):
    """x jumps by 1 with intensity x against a decay to 0.4 + .1 x: the mean solves a linear equation."""

    def step(x, candidate):
        jumps = jnp.sum(thinned(candidate, jnp.minimum(0.2 * x, candidate.bound)).kept, dtype=float)
        return x + 0.5 * (1.0 - x) + jumps, x

    _, path = jax.lax.scan(step, jnp.asarray(1.0), candidates)
    # m = m + .5 (1 - m) + .5 * .2 m, so m = .5 / .4. Autocorrelation .6: batches of 100 steps are independent.
    assert_mean(np.asarray(path).reshape(-1, 100).mean(axis=1), 1.25)


def test_the_edges(candidates):
    everything = jax.vmap(thinned)(candidates, candidates.bound)
    np.testing.assert_array_equal(jnp.sum(everything.kept, axis=1), candidates.count)
    nothing = jax.vmap(thinned, in_axes=(0, None))(candidates, jnp.asarray(0.0))
    assert not np.any(nothing.kept)
    assert not np.any(everything.exceeded | nothing.exceeded)


@pytest.mark.parametrize("wrong", [-0.1, 4.5, np.nan])
def test_an_intensity_outside_its_bound_is_reported_and_makes_no_jump(candidates, wrong):
    found = jax.vmap(thinned, in_axes=(0, None))(candidates, jnp.asarray(wrong))
    assert np.all(found.exceeded)
    assert not np.any(found.kept)


def test_too_few_places_are_reported(key):
    found = jump_candidates(key, bound=jnp.full(50, 40.0), step_size=1.0, places=2)
    assert np.all(found.overflowed)
    assert np.all(found.count == 2)


def test_bad_arguments_are_refused(key):
    with pytest.raises(ValueError, match="bound must lie in"):
        jump_candidates(key, bound=jnp.array([-1.0]), step_size=1.0, places=2)
    with pytest.raises(ValueError, match="step_size must lie in"):
        jump_candidates(key, bound=jnp.array([1.0]), step_size=0.0, places=2)
    with pytest.raises(ValueError, match="places must be at least 1"):
        jump_candidates(key, bound=jnp.array([1.0]), step_size=1.0, places=0)
