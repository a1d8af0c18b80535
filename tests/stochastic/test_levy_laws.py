"""What holds for every Lévy process: sizes scale, signs reflect, steps add up, and no jumps are no jumps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic import (
    CompoundPoisson,
    DoubleExponentialMarks,
    GaussianMarks,
    NormalInverseGaussian,
    ParetoMarks,
    StudentTMarks,
    VarianceGamma,
)

FREQUENCIES = jnp.array([-30.0, -1.0, 0.2, 3.0])
exponent = jax.jit(lambda process, u: process.characteristic_exponent(u))
log_density = jax.jit(lambda process, x, step_size: process.log_density(x, step_size=step_size))


def nig(skewness, factor=1.0, sign=1.0):
    return NormalInverseGaussian(15.0 / factor, sign * 15.0 * skewness / factor, 0.5 * factor)


def variance_gamma(skewness, factor=1.0, sign=1.0):
    return VarianceGamma(sign * 0.3 * skewness * factor, 0.2 * factor, 0.3)


def merton(skewness, factor=1.0, sign=1.0):
    return CompoundPoisson(2.0, GaussianMarks(sign * 0.3 * skewness * factor, 0.2 * factor))


def kou(skewness, factor=1.0, sign=1.0):
    up, down = (0.2, 0.4) if sign > 0 else (0.4, 0.2)
    return CompoundPoisson(2.0, DoubleExponentialMarks(0.5 * (1.0 + sign * skewness), factor * up, factor * down))


def student(skewness, factor=1.0, sign=1.0):
    return CompoundPoisson(2.0, StudentTMarks(3.0, sign * 0.3 * skewness * factor, 0.2 * factor))


SIGNED = [nig, variance_gamma, merton, kou, student]
skewnesses = st.floats(-0.95, 0.95)


@pytest.mark.parametrize("law", SIGNED)
@settings(max_examples=20, deadline=None)
@given(skewnesses, st.floats(0.1, 10.0))
def test_sizes_scale_and_signs_reflect(law, skewness, factor):
    """psi of factor X at u is psi of X at factor u; psi of -X at u is the conjugate."""
    ours = np.asarray(exponent(law(skewness), FREQUENCIES))
    scaled = exponent(law(skewness, factor), FREQUENCIES / factor)
    np.testing.assert_allclose(scaled, ours, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(exponent(law(skewness, sign=-1.0), FREQUENCIES), ours.conj(), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(exponent(law(skewness), -FREQUENCIES), ours.conj(), rtol=1e-12)
    assert np.all(ours.real <= 0.0)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.floats(0.1, 10.0))
def test_pareto_sizes_scale(tail_exponent, minimum, factor):
    once = exponent(CompoundPoisson(2.0, ParetoMarks(tail_exponent, minimum)), FREQUENCIES)
    scaled = exponent(CompoundPoisson(2.0, ParetoMarks(tail_exponent, minimum * factor)), FREQUENCIES / factor)
    np.testing.assert_allclose(scaled, once, rtol=1e-9, atol=1e-11)


@settings(max_examples=15, deadline=None)
@given(skewnesses, st.floats(0.1, 10.0), st.floats(0.1, 3.0))
def test_densities_scale_and_reflect(skewness, factor, step_size):
    x = np.array([-1.1, -0.2, 0.03, 0.7])
    for law in (nig, variance_gamma, merton):
        ours = log_density(law(skewness), jnp.asarray(x), step_size)
        scaled = log_density(law(skewness, factor), jnp.asarray(factor * x), step_size) + np.log(factor)
        np.testing.assert_allclose(scaled, ours, rtol=1e-9, atol=1e-9)
        mirrored = log_density(law(skewness, sign=-1.0), jnp.asarray(-x), step_size)
        np.testing.assert_allclose(mirrored, ours, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("law", [nig, variance_gamma, merton])
def test_two_steps_are_one_of_twice_the_length(law):
    """The densities convolved on an even grid, with the atoms of compound Poisson sums beside them."""
    process = law(0.4)
    x = np.linspace(-4.0, 4.0, 4001)
    once, twice = (np.exp(log_density(process, jnp.asarray(x), step_size)) for step_size in (0.7, 1.4))
    both = np.convolve(once, once)[2000:-2000] * (x[1] - x[0])
    if law is merton:
        both = both + 2.0 * float(process.atom(step_size=0.7)) * once
    np.testing.assert_allclose(both, twice, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("law", [variance_gamma, merton])
def test_gradient_passes_through_a_draw(key, law):
    """In skewness and size; the number of jumps and the gamma clock are other draws and stay."""
    total = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.tanh(law(p[0], p[1]).increments(key, steps=32, step_size=0.3))))
    )
    point = np.array([0.4, 1.5])
    slopes = total(point)[1]
    for index, shift in enumerate(1e-6 * np.eye(2)):
        difference = (total(point + shift)[0] - total(point - shift)[0]) / 2e-6
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("law", SIGNED)
def test_mapped_over_parameters(key, law):
    """A draw of each of three laws under vmap is the draw of that law alone."""

    def one(skewness):
        return law(skewness).increments(key, steps=5, step_size=0.3)

    skewness = jnp.array([-0.5, 0.0, 0.7])
    together = jax.jit(jax.vmap(one))(skewness)
    np.testing.assert_allclose(together, jnp.stack([jax.jit(one)(s) for s in skewness]), rtol=1e-10)
