"""Thinning for general kernels: the kernels by quadrature, the process by its time change and against the exact one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from aurora_jax.stochastic import ExponentialKernel, Hawkes, KernelHawkes, MixedExponentialKernel, PowerLawKernel
from tests.statistics import assert_mean

KERNELS = {
    "exponential": ExponentialKernel(2.0),
    "mixed": MixedExponentialKernel(np.array([0.7, 0.3]), np.array([5.0, 0.5])),
    "power": PowerLawKernel(2.5, 0.4),
}


def run(kernel):
    process = KernelHawkes(1.0, 0.6, kernel)

    def one(key):
        path = process.events(key, horizon=40.0, max_events=240)
        return path, process.compensator(path.times, path.times)

    # Few long paths: the gap that the horizon cuts off is missing from each, and missing gaps are long ones.
    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(5), 60))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_by_quadrature(name):
    kernel = KERNELS[name]
    for age in (0.01, 0.3, 4.0):
        mass = quad(lambda t: float(kernel.density(jnp.asarray(t))), 0.0, age)[0]
        np.testing.assert_allclose(kernel.integral(jnp.asarray(age)), mass, rtol=1e-7)
    assert kernel.integral(jnp.asarray(jnp.inf)) == 1.0
    heights = kernel.density(jnp.linspace(0.0, 5.0, 50))
    assert np.all(np.diff(heights) < 0.0)  # what thinning relies on


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("name", KERNELS)
def test_the_compensator_makes_it_poisson(name):
    path, mapped = run(KERNELS[name])
    assert not np.any(path.overflowed)
    gaps = np.concatenate([np.diff(row[np.isfinite(row)], prepend=0.0) for row in np.asarray(mapped)])
    assert stats.kstest(gaps, "expon").pvalue > 1e-3
    assert_mean((gaps[1:] - 1.0) * (gaps[:-1] - 1.0), 0.0)


@pytest.mark.stat
def test_thinning_agrees_with_the_exact_method():
    thinned, _ = run(KERNELS["exponential"])
    exact = jax.jit(jax.vmap(lambda key: Hawkes(1.0, 0.6, 2.0).events(key, horizon=40.0, max_events=240).count))
    counts = exact(jax.random.split(jax.random.key(6), 4000))
    assert stats.ks_2samp(np.asarray(thinned.count), np.asarray(counts)).pvalue > 1e-3
    assert_mean(thinned.count, float(np.mean(counts)), bias=4 * float(np.std(counts)) / np.sqrt(4000))


def test_compensator_and_intensity_agree_with_the_exact_class():
    times, at = jnp.array([0.5, 2.0, 2.1, jnp.inf]), jnp.array([0.25, 2.05, 9.0])
    general, special = KernelHawkes(1.0, 0.6, KERNELS["exponential"]), Hawkes(1.0, 0.6, 2.0)
    np.testing.assert_allclose(general.compensator(times, at), special.compensator(times, at), rtol=1e-12)
    for t in at:
        np.testing.assert_allclose(general.intensity(times, t), special.intensity(times, t), rtol=1e-12)


@pytest.mark.stat
def test_without_excitation_it_is_poisson():
    process = KernelHawkes(2.0, 0.0, KERNELS["power"])
    draw = jax.jit(jax.vmap(lambda key: process.events(key, horizon=10.0, max_events=60).count))
    counts = draw(jax.random.split(jax.random.key(7), 1000))
    assert_mean(counts, 20.0)
    assert_mean((np.asarray(counts) - 20.0) ** 2, 20.0)


def test_running_out_of_places_is_reported(key):
    process = KernelHawkes(1.0, 0.6, KERNELS["power"])
    cut = process.events(key, horizon=1e3, max_events=6)
    assert cut.overflowed
    assert cut.count == 6
    enough = process.events(key, horizon=float(cut.times[-1]) + 1e-9, max_events=6)
    assert not enough.overflowed
    np.testing.assert_array_equal(enough.times, cut.times)


def test_bad_parameters_are_refused(key):
    with pytest.raises(ValueError, match=r"branching_ratio must lie in .*, was 1"):
        KernelHawkes(1.0, 1.0, KERNELS["power"])
    with pytest.raises(ValueError, match="baseline must lie in"):
        KernelHawkes(0.0, 0.5, KERNELS["power"])
    with pytest.raises(ValueError, match="exponent must lie in"):
        PowerLawKernel(1.0, 1.0)
    with pytest.raises(ValueError, match="offset must lie in"):
        PowerLawKernel(2.0, 0.0)
    with pytest.raises(ValueError, match="decay must lie in"):
        ExponentialKernel(-1.0)
    with pytest.raises(ValueError, match="weights must sum to 1"):
        MixedExponentialKernel(np.array([0.7, 0.7]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="max_events must be at least 1"):
        KernelHawkes(1.0, 0.5, KERNELS["power"]).events(key, horizon=1.0, max_events=0)
