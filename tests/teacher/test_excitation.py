"""Jumps of one step: exact Hawkes events under a baseline held for the step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.teacher.excitation import expected_count, jumps_in_step, self_excitation
from tests.statistics import assert_mean

_PATHS = 20_000


def _run(key, *, baseline, branching, decay, steps, step_size=1.0, places=8, start=0.0, paths=_PATHS):
    """Simulate paths of steps; return counts, expected and overflow, each [paths, steps]."""
    uniforms = jax.random.uniform(key, (paths, steps, places, 2))

    def path(given):
        def one(excess, u):
            out = jumps_in_step(
                u,
                baseline=jnp.asarray(baseline),
                excess=excess,
                branching_ratio=branching,
                decay=decay,
                step_size=step_size,
            )
            return out.excess, out

        return jax.lax.scan(one, jnp.asarray(start), given)[1]

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(path))(uniforms))


@pytest.mark.stat
def test_the_oracle_hawkes_process_has_its_mean_and_fano_factor(key):
    """mu = 1, n = .8, beta = 2: E N(0, 100) = 490.0 from rest, and the Fano factor of windows of 100 is 24.0."""
    out = _run(key, baseline=1.0, branching=0.8, decay=2.0, steps=200, step_size=0.5, places=24, paths=3000)
    total = out.count.sum(axis=1)
    assert out.overflowed.mean() < 5e-4
    assert_mean(total, 490.0, bias=1.0)  # bias: places that overflow lose some
    # Started at rest the factor at 100 is a little below the stationary 24.0; its standard error is about 2.6 %.
    assert 20.0 < total.var() / total.mean() < 26.0


@pytest.mark.stat
def test_counts_less_their_compensator_are_a_martingale(key):
    out = _run(key, baseline=0.3, branching=0.6, decay=0.5, steps=20)
    assert_mean(out.count.sum(axis=1) - out.expected.sum(axis=1), 0.0)
    # The optional quadratic variation of a counting process is the count itself.
    gap = out.count.sum(axis=1) - out.expected.sum(axis=1)
    assert_mean(gap**2 - out.count.sum(axis=1), 0.0)


@pytest.mark.stat
@pytest.mark.parametrize("start", [0.0, 1.5])
def test_the_mean_of_a_bar_is_the_closed_form(key, start):
    out = _run(key, baseline=0.2, branching=0.7, decay=0.8, steps=1, start=start, places=12)
    found = expected_count(jnp.asarray(0.2), jnp.asarray(start), branching_ratio=0.7, decay=0.8)
    assert_mean(out.count[:, 0].astype(float), float(found))
    # The mean count is also the mean of the path's own compensator.
    assert_mean(out.expected[:, 0], float(found))


def test_without_excitation_a_step_is_poisson(key):
    out = _run(stream(key, "poisson"), baseline=0.7, branching=0.0, decay=1.0, steps=1)
    np.testing.assert_allclose(out.expected, 0.7, rtol=1e-12)
    np.testing.assert_allclose(out.excess, 0.0, atol=1e-12)
    for number in range(4):
        expected = np.exp(-0.7) * 0.7**number / [1, 1, 2, 6][number]
        assert_mean((out.count[:, 0] == number).astype(float), expected)


def test_by_hand_one_jump_from_excitation_alone():
    """x = 2, beta = 1, no baseline: E_1 = -log(1 - u) = 0.5 gives w = -log(1 - 0.5 / 2); then nothing more."""
    first = 1.0 - np.exp(-0.5)
    uniforms = jnp.array([[first, 0.9], [0.999999, 0.9]])
    out = jumps_in_step(
        uniforms,
        baseline=jnp.asarray(0.0),
        excess=jnp.asarray(2.0),
        branching_ratio=0.5,
        decay=1.0,
        step_size=1.0,
    )
    wait = -np.log(0.75)
    end = (2.0 * 0.75 + 0.5) * np.exp(-(1.0 - wait))
    assert int(out.count) == 1
    np.testing.assert_allclose(out.excess, end, rtol=1e-9)
    np.testing.assert_allclose(out.expected, 2.0 + 0.5 - end, rtol=1e-9)
    assert not bool(out.overflowed)


def test_more_jumps_than_places_are_reported():
    crowded = jnp.full((3, 2), 1e-6)
    out = jumps_in_step(
        crowded, baseline=jnp.asarray(1.0), excess=jnp.asarray(0.0), branching_ratio=0.5, decay=1.0, step_size=1.0
    )
    assert int(out.count) == 3
    assert bool(out.overflowed)


@pytest.mark.parametrize(("branching_ratio", "decay", "message"), [(1.0, 0.1, "was 1.0"), (0.5, 0.0, "was 0.0")])
def test_explosive_or_endless_excitation_is_refused(branching_ratio, decay, message):
    with pytest.raises(ValueError, match=message):
        self_excitation(branching_ratio=branching_ratio, decay=decay, dtype=jnp.float64)


def test_starting_values_are_met_and_never_explode():
    start = self_excitation(branching_ratio=0.4, decay=0.25, dtype=jnp.float64)
    np.testing.assert_allclose([start.branching_ratio, start.decay], [0.4, 0.25], rtol=1e-12)
    wild = type(start)(jnp.asarray(1e6), jnp.asarray(-1e6))
    assert float(wild.branching_ratio) <= 0.98
    assert float(wild.decay) > 0.0
