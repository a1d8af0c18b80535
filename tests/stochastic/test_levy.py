"""Lévy processes: printed cumulants, and draws with the characteristic function of the book."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from aurora_jax.core import stream
from aurora_jax.stochastic import CompoundPoisson, GaussianMarks, NormalInverseGaussian, VarianceGamma
from tests.statistics import assert_mean

STEPS, STEP_SIZE = 40_000, 0.25
log_density = jax.jit(lambda process, x, step_size: process.log_density(x, step_size=step_size))
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


@pytest.mark.slow
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


@pytest.mark.parametrize("law", LAWS)
def test_the_exponent_is_the_book_s(law):
    process, closed, frequencies = LAWS[law]
    u = np.array([-frequencies[1], 1e-3, *frequencies, 300.0])
    np.testing.assert_allclose(process.characteristic_exponent(jnp.asarray(u)), closed(u), rtol=1e-9)
    circle = np.exp(2j * np.pi * np.arange(16) / 16)  # off the real axis too
    np.testing.assert_allclose(process.characteristic_exponent(jnp.asarray(circle)), closed(circle), rtol=1e-10)
    once, twice = (process.characteristic_function(jnp.asarray(u), time=time) for time in (0.3, 0.6))
    np.testing.assert_allclose(once**2, twice, rtol=1e-12)
    assert np.all(process.characteristic_function(jnp.asarray(u), time=0) == 1.0)


def test_nig_density_is_scipys():
    """In the tails too, where it is 1e-200."""
    alpha, beta, delta = NIG
    x = np.array([-50.0, -0.5, -1e-3, 0.0, 1e-6, 0.1, 2.0, 25.0])
    for step_size in (1e-4, STEP_SIZE, 20.0):
        scale = delta * step_size
        theirs = stats.norminvgauss.logpdf(x / scale, alpha * scale, beta * scale) - np.log(scale)
        ours = log_density(NormalInverseGaussian(*NIG), jnp.asarray(x), step_size)
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("step_size", [0.05, 0.1, 0.25, 2.0])
def test_vg_density_has_the_cumulants(step_size):
    """By the trapezoidal rule in log|x|: below step_size = nu / 2 = 0.1 the density is infinite at 0."""
    process = VarianceGamma(*VG)
    t = np.linspace(-300.0, 2.0, 4001)
    x = np.append(-np.exp(t), np.exp(t))
    mass = np.exp(log_density(process, jnp.asarray(x), step_size)) * np.abs(x) * (t[1] - t[0])
    mean, variance = (step_size * process.cumulant(order) for order in (1, 2))
    np.testing.assert_allclose([np.sum(mass), np.sum(mass * x)], [1.0, mean], rtol=1e-9)
    np.testing.assert_allclose(np.sum(mass * (x - mean) ** 2), variance, rtol=1e-9)
    at_zero = log_density(process, jnp.zeros(8002), step_size)[0]
    assert np.isinf(at_zero) == (step_size <= 0.1)


def test_vg_density_is_a_gamma_mixture():
    """E of the normal density of mean theta G and variance sigma^2 G, over a gamma clock G."""
    theta, sigma, nu = VG
    for x in (-0.3, 1e-3, 0.2):

        def mixed(log_clock, x=x):
            clock = np.exp(log_clock)
            return (
                stats.norm.pdf(x, theta * clock, sigma * np.sqrt(clock)) * stats.gamma.pdf(clock, 1.5, scale=nu) * clock
            )

        closed = quad(mixed, -40.0, 5.0, limit=400, epsabs=1e-14)[0]
        ours = VarianceGamma(*VG).log_density(jnp.asarray(x), step_size=1.5 * nu)
        np.testing.assert_allclose(np.exp(ours), closed, rtol=1e-8)


@pytest.mark.parametrize("process", [NormalInverseGaussian(*NIG), VarianceGamma(*VG)])
def test_reflection_of_the_density(process):
    """The sign of the asymmetric parameter is the sign of the skewness."""
    name = "beta" if isinstance(process, NormalInverseGaussian) else "theta"
    mirrored = eqx.tree_at(lambda law: getattr(law, name), process, replace_fn=jnp.negative)
    x = jnp.array([-0.3, -1e-3, 0.02, 0.4])
    np.testing.assert_allclose(log_density(process, x, 0.3), log_density(mirrored, -x, 0.3), rtol=1e-12)
    assert log_density(process, x, 0.3)[0] > log_density(process, -x, 0.3)[0]


@pytest.mark.slow
def test_gradient_of_the_densities():
    for law, point in ((NormalInverseGaussian, [15.0, -5.0, 0.5, 0.2]), (VarianceGamma, [-0.14, 0.12, 0.2, 0.2])):
        value = jax.jit(jax.value_and_grad(lambda p, law=law: law(*p[:3]).log_density(p[3], step_size=0.3)))
        slopes = value(np.array(point))[1]
        for index, shift in enumerate(1e-6 * np.eye(4)):
            difference = (value(point + shift)[0] - value(point - shift)[0]) / 2e-6
            np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


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
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was 0"):
        process.log_density(jnp.ones(1), step_size=0.0)
    with pytest.raises(ValueError, match=r"x must lie in .*, was nan"):
        process.log_density(jnp.array([np.nan]), step_size=1.0)
    with pytest.raises(ValueError, match=r"time must lie in .*, was -1"):
        process.characteristic_function(jnp.ones(1), time=-1)
