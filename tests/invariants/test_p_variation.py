"""p-variation across grids: slow twin, pH - 1 on fractional noise, what jumps do, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import Outcome
from aurora_jax.invariants import p_variation_slope
from tests.statistics import assert_mean

from .samples import assert_no_estimate, covered, degenerate, fractional_noise

STEPS, PATHS = 1024, 100


def both(increments):
    return p_variation_slope(increments, power=2.0), p_variation_slope(increments, power=4.0)


both_batch = jax.jit(jax.vmap(both))


def slow_twin(increments, power, grids=(1, 2, 4, 8)):
    path = np.r_[0.0, np.cumsum(increments)]

    def slope(kept):
        variation = []
        for h in grids:
            moves = [abs(path[t + h] - path[t]) ** power for t in range(path.size - h) if kept[t]]
            variation.append(np.log(np.mean(moves) / h))
        return np.polyfit(np.log(grids), variation, 1)[0]

    blocks = np.array_split(np.arange(increments.size), 10)
    left_out = [slope(~np.isin(np.arange(increments.size), block)) for block in blocks]
    return slope(np.ones(increments.size, bool)), np.sqrt(9 / 10 * np.sum((left_out - np.mean(left_out)) ** 2))


def test_against_a_slow_twin(key):
    noise = fractional_noise(key, 0.3, paths=PATHS, steps=STEPS)
    for power, result in zip((2, 4), both_batch(noise), strict=True):
        value, error = slow_twin(noise[0], power)
        np.testing.assert_allclose(result.value[0], value, rtol=1e-9)
        np.testing.assert_allclose(result.standard_error[0], error, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.1, 0.3, 0.5, 0.7])
def test_slope_and_coverage_on_fractional_noise(key, hurst):
    """p H - 1; a jackknife of ten blocks covers as Student-t_9."""
    for power, result in zip((2, 4), both_batch(fractional_noise(key, hurst, paths=400, steps=STEPS)), strict=True):
        assert_mean(result.value, power * hurst - 1, bias=0.02 if power == 2 else 0.06)
        assert_mean(covered(result, power * hurst - 1, deviations=2.262), 0.95, bias=0.04)


@pytest.mark.stat
def test_rough_paths_change_the_slope_and_jumps_break_it(key):
    rough = both_batch(fractional_noise(key, 0.3, paths=PATHS, steps=STEPS))
    assert_mean(rough[0].value, 2 * 0.3 - 1, bias=0.01)
    brownian = fractional_noise(key, 0.5, paths=PATHS, steps=STEPS)
    assert_mean(both_batch(brownian)[1].value, 1.0, bias=0.05)
    jumps = np.zeros_like(brownian)
    jumps[:, 100::200] = 20.0 * np.random.default_rng(0).choice([-1, 1], jumps[:, 100::200].shape)
    with_jumps = both_batch(brownian + jumps)
    assert_mean(with_jumps[0].value, 0.0, bias=0.02)  # p = 2 cannot tell
    assert np.mean(with_jumps[1].value) < 0.1


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([-7.0, 1e-9, 1e9]))
def test_scale_sign_and_direction_of_time_do_not_matter(scale):
    paths = np.random.default_rng(3).normal(size=(PATHS, STEPS))
    paths[1], paths[2] = scale * paths[0], paths[0][::-1]
    for result in both_batch(paths):
        np.testing.assert_allclose(result.value[1:3], result.value[0], atol=1e-7)


def test_degenerate_paths_have_an_outcome():
    cases = degenerate(STEPS)
    paths = np.random.default_rng(0).normal(size=(PATHS, STEPS))
    paths[: len(cases)] = [series for series, _ in cases]
    for result in both_batch(paths):
        for place, (_, outcome) in enumerate(cases):
            assert_no_estimate(jax.tree.map(lambda part, i=place: part[i], result), outcome)
        assert np.all(result.outcome[len(cases) :] == Outcome.OK)
    assert_no_estimate(p_variation_slope(jnp.arange(89.0)), Outcome.TOO_SHORT)
    assert_no_estimate(p_variation_slope(jnp.zeros(0)), Outcome.TOO_SHORT)


def test_settings_are_checked():
    with pytest.raises(ValueError, match=r"power must be positive, was 0\.0"):
        p_variation_slope(jnp.arange(99.0), power=0.0)
    for grids in ((), (1,), (2, 2), (0, 1)):
        with pytest.raises(ValueError, match="grids must be at least two different steps"):
            p_variation_slope(jnp.arange(99.0), grids=grids)
