"""Lévy processes: printed cumulants, and draws with the characteristic function of the book."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.stochastic import CompoundPoisson, GaussianMarks, NormalInverseGaussian, VarianceGamma
from tests.statistics import assert_mean

STEPS, STEP_SIZE = 40_000, 0.25
increments = jax.jit(lambda process, key, step_size: process.increments(key, steps=STEPS, step_size=step_size))


def exponent_of_nig(u, alpha, beta, delta):
    return delta * (np.sqrt(alpha**2 - beta**2) - np.sqrt(alpha**2 - (beta + 1j * u) ** 2))


def exponent_of_vg(u, theta, sigma, nu):
    return -np.log(1 - 1j * theta * nu * u + 0.5 * sigma**2 * nu * u**2) / nu


def exponent_of_merton(u, intensity, location, scale):
    return intensity * (np.exp(1j * location * u - 0.5 * scale**2 * u**2) - 1)


NIG, VG, MERTON = (15.0, -5.0, 0.5), (-0.14, 0.12, 0.2), (2.0, -0.1, 0.2)
LAWS = {
    "nig": (NormalInverseGaussian(*NIG), lambda u: exponent_of_nig(u, *NIG), (2.0, 10.0)),
    "vg": (VarianceGamma(*VG), lambda u: exponent_of_vg(u, *VG), (5.0, 20.0)),
    "merton": (CompoundPoisson(2.0, GaussianMarks(-0.1, 0.2)), lambda u: exponent_of_merton(u, *MERTON), (2.0, 10.0)),
}


@pytest.mark.stat
@pytest.mark.parametrize("law", LAWS)
def test_draws_have_the_characteristic_function(key, law):
    process, exponent, frequencies = LAWS[law]
    sample = increments(process, stream(key, law), STEP_SIZE)
    for u in frequencies:
        closed = np.exp(STEP_SIZE * exponent(u))
        assert_mean(jnp.cos(u * sample), closed.real)
        assert_mean(jnp.sin(u * sample), closed.imag)


@pytest.mark.parametrize("law", LAWS)
def test_cumulants_are_derivatives_of_the_exponent(law):
    """log E exp(iuX) = sum of cumulant_n (iu)^n / n!, read off by Fourier's integral on a circle around 0."""
    process, exponent, _ = LAWS[law]
    angle = 2 * np.pi * np.arange(64) / 64
    circle = exponent(-1j * np.exp(1j * angle))  # the exponent at u = z / i is log E exp(zX)
    factorial = 1.0
    for order in range(1, 7):
        factorial *= order
        by_contour = factorial * np.mean(circle * np.exp(-1j * order * angle)).real
        np.testing.assert_allclose(process.cumulant(order), by_contour, rtol=1e-9, atol=1e-12)


def test_printed_cumulants():
    nig, vg = NormalInverseGaussian(*NIG), VarianceGamma(*VG)
    assert abs(nig.cumulant(2) - 0.0397748) < 5e-8
    assert abs(nig.cumulant(4) / nig.cumulant(2) ** 2 - 0.612826) < 5e-7
    assert abs(vg.cumulant(2) - 0.01832) < 1e-15
    assert abs(vg.cumulant(1) - -0.14) < 1e-15


@pytest.mark.stat
@pytest.mark.parametrize("law", LAWS)
def test_draws_have_the_cumulants(key, law):
    process = LAWS[law][0]
    sample = increments(process, stream(key, law), STEP_SIZE)
    mean, variance, third = (STEP_SIZE * process.cumulant(order) for order in (1, 2, 3))
    assert_mean(sample, mean)
    assert_mean((sample - mean) ** 2, variance)
    assert_mean((sample - mean) ** 3, third)


@pytest.mark.stat
def test_nig_agrees_with_scipy(key):
    """Also at a step so small that the clock has a tiny shape parameter."""
    alpha, beta, delta = NIG
    for step_size in (STEP_SIZE, 1e-4):
        sample = np.asarray(increments(NormalInverseGaussian(*NIG), stream(key, str(step_size)), step_size))
        scale = delta * step_size
        law = stats.norminvgauss(alpha * scale, beta * scale, scale=scale)
        grid = np.linspace(-2.0, 2.0, 9) * scale
        assert_mean(sample[:, None] <= grid[None, :], law.cdf(grid))


def test_gradient_passes_through_a_draw(key):
    def total(alpha):
        return jnp.sum(NormalInverseGaussian(alpha, -5.0, 0.5).increments(key, steps=32, step_size=0.01) ** 2)

    squares = jax.jit(jax.value_and_grad(total))
    (low, _), (_, slope), (high, _) = (squares(15.0 + shift) for shift in (-1e-5, 0.0, 1e-5))
    np.testing.assert_allclose(slope, (high - low) / 2e-5, rtol=1e-5)


def test_parameters_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"beta. must be less than alpha; beta, was -2.0"):
        NormalInverseGaussian(1.0, -2.0, 0.5)
    with pytest.raises(ValueError, match=r"delta must lie in .*, was 0"):
        NormalInverseGaussian(2.0, 0.5, 0)
    with pytest.raises(ValueError, match=r"sigma must lie in .*, was -0.1"):
        VarianceGamma(0.0, -0.1, 0.2)
    with pytest.raises(ValueError, match=r"nu must lie in .*, was inf"):
        VarianceGamma(0.0, 0.1, float("inf"))
    with pytest.raises(RuntimeError, match=r"less than alpha"):
        jax.jit(lambda beta: NormalInverseGaussian(1.0, beta, 0.5).cumulant(1))(3.0)


@pytest.mark.parametrize("law", LAWS)
def test_orders_and_sizes_are_checked(key, law):
    process = LAWS[law][0]
    with pytest.raises(ValueError, match=r"order must be at least 1, was 0"):
        process.cumulant(0)
    with pytest.raises(ValueError, match=r"steps must be at least 1, was 0"):
        process.increments(key, steps=0, step_size=1.0)
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was 0"):
        process.increments(key, steps=2, step_size=0.0)
