"""The shared control: increments by hand, single precision, and nothing but its own grid."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.stochastic import (
    CompoundPoisson,
    GaussianMarks,
    IncrementPath,
    ParetoMarks,
    fractional_gaussian_noise,
    fractional_path,
    jump_path,
    multifractional_gaussian_noise,
    multifractional_path,
    step_index,
)
from tests.statistics import assert_mean

BY_HAND = jnp.array([1.0, -2.0, 4.0, 0.5, 3.0, -1.0])


def integrated(path, solver, grid=None, scale=1.0):
    """Solve dX = scale dB from 0."""
    grid = path.grid if grid is None else grid
    unit = jnp.asarray(scale, path.increments.dtype)
    solution = diffrax.diffeqsolve(
        diffrax.ControlTerm(lambda t, x, args: unit, path),
        solver,
        t0=grid[0],
        t1=grid[-1],
        dt0=None,
        y0=jnp.zeros((), path.increments.dtype),
        saveat=diffrax.SaveAt(ts=jnp.asarray(grid)),
        stepsize_controller=diffrax.StepTo(ts=jnp.asarray(grid)),
        max_steps=len(grid),
    )
    return solution.ys


def test_a_constant_field_adds_the_increments_up():
    path = IncrementPath(BY_HAND, 0.1)
    np.testing.assert_allclose(integrated(path, diffrax.Euler()), [0.0, 1.0, -1.0, 3.0, 3.5, 6.5, 5.5], rtol=1e-15)
    assert (path.t0, path.t1) == (0.0, 6 * 0.1)


def test_coarsened_sums_increments():
    path = IncrementPath(BY_HAND, 0.1)
    np.testing.assert_array_equal(path.coarsened(2).increments, [-1.0, 4.5, 2.0])
    np.testing.assert_array_equal(path.coarsened(3).increments, [3.0, 2.5])
    np.testing.assert_allclose(path.coarsened(3).grid, [0.0, 0.3, 0.6])
    channels = IncrementPath(jnp.stack([BY_HAND, 2.0 * BY_HAND], axis=1), 0.1)
    np.testing.assert_array_equal(channels.coarsened(2).increments, [[-1.0, -2.0], [4.5, 9.0], [2.0, 4.0]])
    np.testing.assert_array_equal(channels.coarsened(1).increments, channels.increments)


@pytest.mark.slow
def test_single_precision_keeps_its_place_and_its_type():
    """Seventy thousand steps of .01: the times carry rounding of a third of a percent of a step."""
    with jax.enable_x64(False):
        path = IncrementPath(jnp.arange(70_000, dtype=jnp.float32), 0.01)
        assert path.grid.dtype == np.float32
        read = jax.jit(jax.vmap(path.evaluate))(path.grid[:-1], path.grid[1:])
        assert read.dtype == jnp.float32
        np.testing.assert_array_equal(read, path.increments)
        short = IncrementPath(jnp.ones(6, jnp.float32), 0.1)
        assert integrated(short, diffrax.Heun()).dtype == jnp.float32
    # The switch on, a float32 path stays one.
    assert integrated(IncrementPath(BY_HAND.astype(jnp.float32), 0.1), diffrax.Euler()).dtype == jnp.float32


def test_step_index_by_hand():
    assert [int(step_index(time, 0.1)) for time in (0.0, 0.0999999, 0.30000004)] == [0, 1, 3]


@pytest.mark.parametrize(
    ("start", "end"),
    [(0.0, 0.2), (0.1, 0.15), (0.05, 0.15), (0.1, 0.1), (0.2, 0.1), (-0.1, 0.0), (0.6, 0.7), (float("nan"), 0.1)],
)
def test_anything_but_a_step_is_refused(start, end):
    path = IncrementPath(BY_HAND, 0.1)
    with pytest.raises(Exception, match="one step of its grid"):
        path.evaluate(start, end)


def test_a_solver_that_leaves_the_grid_is_refused():
    path = IncrementPath(BY_HAND, 0.1)
    with pytest.raises(Exception, match="one step of its grid"):
        integrated(path, diffrax.Euler(), grid=np.array([0.0, 0.2, 0.4]))
    with pytest.raises(ValueError, match="increments only"):
        path.evaluate(0.0)


def test_bad_paths_are_refused():
    with pytest.raises(ValueError, match="number of increments must be at least 1, was 0"):
        IncrementPath(jnp.zeros(0), 0.1)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"step_size must lie in .*, was {wrong}"):
            IncrementPath(BY_HAND, wrong)
    for wrong in (0, -2, 4, 7):
        with pytest.raises(ValueError, match=f"factor must divide the 6 steps, was {wrong}"):
            IncrementPath(BY_HAND, 0.1).coarsened(wrong)


def test_drivers_are_the_noise_they_name(key):
    hurst = jnp.array([0.3, 0.5])

    @jax.jit
    def pairs(key):
        single = {"hurst": 0.3, "steps": 8, "step_size": 0.5}
        blocks = {"hurst": hurst, "block_steps": 4, "step_size": 0.5, "coupled": True}
        return (
            (fractional_path(key, **single), fractional_gaussian_noise(key, **single)),
            (multifractional_path(key, **blocks), multifractional_gaussian_noise(key, **blocks)),
        )

    for path, noise in pairs(key):
        np.testing.assert_array_equal(path.increments, noise)
        assert path.step_size == 0.5
    with pytest.raises(ValueError, match="hurst must lie in"):
        fractional_path(key, hurst=1.0, steps=8)


@pytest.mark.stat
def test_jumps_are_compensated_unless_told_otherwise(key):
    """Three jumps a unit of time of mean .5 and deviation .2: mean 1.5, variance 3 (.2^2 + .5^2) = .87."""
    process = CompoundPoisson(3.0, GaussianMarks(0.5, 0.2))

    @jax.jit
    def both(key):
        drawn = {"process": process, "steps": 20_000, "step_size": 0.25}
        return jump_path(key, **drawn, compensated=False), jump_path(key, **drawn)

    bare, martingale = both(key)
    assert_mean(bare.increments, 0.25 * 1.5)
    assert_mean(martingale.increments, 0.0)
    assert_mean(martingale.increments**2, 0.25 * 0.87)
    np.testing.assert_allclose(bare.increments - martingale.increments, 0.25 * 1.5, rtol=1e-12)


def test_jumps_without_a_mean_cannot_be_compensated(key):
    heavy = CompoundPoisson(3.0, ParetoMarks(0.9, 1.0))
    with pytest.raises(ValueError, match="needs tail_exponent > 1"):
        jump_path(key, process=heavy, steps=4)
    assert jump_path(key, process=heavy, steps=4, compensated=False).increments.shape == (4,)
