"""Tempered stable laws: printed and contour-integral cumulants, densities with those moments, draws of all regimes."""

from math import gamma

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.core import stream
from aurora_jax.stochastic import TemperedStable, VarianceGamma
from aurora_jax.stochastic.inverse_distribution import draw_by_inversion
from aurora_jax.stochastic.tempered_stable import _log_density
from aurora_jax.stochastic.tilted_stable import log_tilted_stable
from tests.statistics import assert_mean

CIRCLE = np.exp(2j * np.pi * np.arange(64) / 64)
FREQUENCIES = np.array([-30.0, -1.0, 0.2, 3.0])
exponent = jax.jit(lambda process, u: process.characteristic_exponent(u))
draw = jax.jit(lambda process, key, step_size: process.increments(key, steps=40_000, step_size=step_size))
compiled = jax.jit(lambda process, x, step_size: process.log_density(x, step_size=step_size))
density_and_slope = jax.jit(
    jax.value_and_grad(lambda p: TemperedStable(p[0], p[1], p[2], p[3]).log_density(p[4], step_size=0.3))
)
tilted = jax.jit(lambda key, alpha, tilt: log_tilted_stable(key, alpha=alpha, tilt=tilt, count=20_000))


def log_density(process, x, step_size):
    """Evaluate 240 points at a time: every call has the one shape that is compiled."""
    padded = np.resize(np.ravel(x), -(-np.size(x) // 240) * 240).reshape(-1, 240)
    return np.concatenate([compiled(process, jnp.asarray(row), step_size) for row in padded])[: np.size(x)]


def book(u, c, g, m, y):
    """The exponent as it is printed."""
    return c * gamma(-y) * ((m - 1j * u) ** y - m**y + (g + 1j * u) ** y - g**y)


def test_printed_cumulants():
    process = TemperedStable(1.0, 5.0, 10.0, 0.5)
    assert abs(process.cumulant(2) - 0.1072915) < 5e-8
    assert abs(process.cumulant(4) - 0.0129409) < 5e-8


@pytest.mark.parametrize("y", [0.0, 1e-3, 0.3, 0.5, 0.899, 0.9, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1.5, 1.9])
def test_cumulants_are_derivatives_of_the_exponent(y):
    """Read off by Fourier's integral on a circle around 0; also where the printed formula is 0 times infinity."""
    process = TemperedStable(1.3, 5.0, 10.0, y)
    circle = np.asarray(exponent(process, jnp.asarray(-1j * CIRCLE)))
    factorial = 1.0
    for order in range(1, 7):
        factorial *= order
        by_contour = factorial * np.mean(circle * CIRCLE**-order).real
        np.testing.assert_allclose(process.cumulant(order), by_contour, rtol=1e-8)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 5.0), st.floats(0.5, 40.0), st.floats(0.5, 40.0), st.floats(0.01, 1.99), st.floats(0.1, 10.0))
def test_laws_of_the_exponent(c, g, m, y, factor):
    """The book's formula; reflection; and size scales as c factor^y, g / factor, m / factor."""
    u = jnp.asarray(FREQUENCIES + 0j)
    ours = np.asarray(exponent(TemperedStable(c, g, m, y), u))
    if abs(y - 1.0) > 1e-3:
        np.testing.assert_allclose(ours, book(FREQUENCIES, c, g, m, y), rtol=1e-8, atol=1e-11 * c * (g + m) ** y)
        scaled = exponent(TemperedStable(c * factor**y, g / factor, m / factor, y), u / factor)
        np.testing.assert_allclose(scaled, ours, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(exponent(TemperedStable(c, m, g, y), -u), ours, rtol=1e-12)
    symmetric = np.asarray(exponent(TemperedStable(c, g, g, y), u))
    np.testing.assert_allclose(symmetric.imag, 0.0, atol=1e-11 * np.max(np.abs(symmetric)))


@pytest.mark.slow
def test_no_activity_of_small_jumps_is_variance_gamma():
    """With theta, sigma and nu of the book, in exponent and density, and with its infinite value at 0."""
    theta, sigma, nu = -0.14, 0.12, 0.2
    root = np.hypot(theta, sigma * np.sqrt(2.0 / nu))
    process = TemperedStable(1.0 / nu, (root + theta) / sigma**2, (root - theta) / sigma**2, 0.0)
    twin = VarianceGamma(theta, sigma, nu)
    u = jnp.asarray(FREQUENCIES + 0j)
    np.testing.assert_allclose(exponent(process, u), exponent(twin, u), rtol=1e-12)
    x = np.array([-3.0, -0.2, -1e-4, 1e-9, 1e-3, 0.05, 0.3, 2.0])
    for step_size in (1.0 / 252.0, 0.25, 5.0):
        np.testing.assert_allclose(
            log_density(process, x, step_size), twin.log_density(jnp.asarray(x), step_size=step_size), atol=1e-10
        )
    assert log_density(process, np.zeros(1), 0.05) == np.inf


@pytest.mark.slow
@pytest.mark.parametrize("y", [0.3, 0.8, 1.0, 1.5, 1.9])
@pytest.mark.parametrize("step_size", [1.0 / 252.0, 2.0])
def test_the_density_has_the_cumulants(y, step_size):
    """By the trapezoidal rule in arsinh of x over the width of the bulk."""
    process = TemperedStable(1.0, 5.0, 10.0, y)
    mean, variance, fourth = (step_size * float(process.cumulant(order)) for order in (1, 2, 4))
    bulk = min(np.sqrt(variance), 0.5 * step_size ** (1.0 / y))
    reach = np.arcsinh((abs(mean) + 15.0 * np.sqrt(variance) + 8.0) / bulk)
    t = np.linspace(-reach, reach, 720)
    centre = mean if y > 1.0 else 0.0  # around the bulk, or around the cusp
    x = centre + bulk * np.sinh(t)
    mass = np.exp(log_density(process, x, step_size)) * bulk * np.cosh(t) * (t[1] - t[0])
    np.testing.assert_allclose(np.sum(mass), 1.0, rtol=1e-9)
    np.testing.assert_allclose(np.sum(mass * (x - mean)), 0.0, atol=1e-9 * np.sqrt(variance))
    np.testing.assert_allclose(np.sum(mass * (x - mean) ** 2), variance, rtol=1e-9)
    np.testing.assert_allclose(
        np.sum(mass * (x - mean) ** 4) - 3.0 * variance**2, fourth, rtol=1e-5, atol=1e-10 * variance**2
    )


@pytest.mark.slow
@pytest.mark.parametrize("y", [0.6, 1.3])
def test_far_tails_are_single_jumps(y):
    """f(x) ~ h c exp(-m x) / x^(1+y) for short steps, down to densities of 1e-200."""
    x, step_size = np.array([-40.0, -3.0, 3.0, 40.0]), 1e-9
    rate = np.where(x > 0, 10.0, 5.0)
    jump = np.log(step_size * 2.0) - rate * np.abs(x) - (1.0 + y) * np.log(np.abs(x))
    np.testing.assert_allclose(log_density(TemperedStable(2.0, 5.0, 10.0, y), x, step_size), jump, atol=1e-5)


@pytest.mark.slow
def test_reflection_of_the_density():
    x = np.array([-1.0, -0.1, 1e-4, 0.3])
    for y in (0.4, 1.4):
        ours = log_density(TemperedStable(1.0, 5.0, 10.0, y), x, 0.1)
        np.testing.assert_allclose(log_density(TemperedStable(1.0, 10.0, 5.0, y), -x, 0.1), ours, atol=1e-10)


@pytest.mark.slow
def test_two_steps_are_one_of_twice_the_length():
    """The density convolved with itself, on an even grid."""
    x = np.linspace(-6.0, 6.0, 2401)
    for y in (0.7, 1.3):
        process = TemperedStable(1.0, 5.0, 10.0, y)
        once, twice = (np.exp(log_density(process, x, step_size)) for step_size in (0.1, 0.2))
        convolved = np.convolve(once, once)[1200:-1200] * (x[1] - x[0])
        np.testing.assert_allclose(convolved, twice, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("y", [0.6, 1.0, 1.4])
def test_gradient_of_the_density(y):
    point = np.array([1.0, 5.0, 10.0, y, 0.2])
    slopes = density_and_slope(point)[1]
    for index, shift in enumerate(1e-5 * np.eye(5)):
        difference = (density_and_slope(point + shift)[0] - density_and_slope(point - shift)[0]) / 2e-5
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(("alpha", "tilt"), [(0.05, 0.3), (0.5, 0.05), (0.5, 3.0), (0.7, 40.0), (0.97, 8.0)])
def test_tilted_stable_variables_have_the_laplace_transform(key, alpha, tilt):
    """E exp(-sS) = exp(tilt - (lambda + s)^alpha), in units where lambda is 1: S lambda is what the test sees."""
    log_rate = np.log(tilt) / alpha
    size = np.exp(np.asarray(tilted(stream(key, str(alpha), str(tilt)), alpha, tilt)) + log_rate)
    for s in np.array([0.1, 1.0, 10.0]) / max(1.0, tilt):
        assert_mean(np.exp(-s * size), np.exp(-tilt * np.expm1(alpha * np.log1p(s))))


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("y", "step_size"),
    [(0.0, 0.25), (0.05, 0.25), (0.5, 0.004), (0.5, 20.0), (0.95, 1.0), (1.0, 1e-6), (1.5, 0.004), (1.95, 5.0)],
)
def test_draws_have_the_characteristic_function(key, y, step_size):
    process = TemperedStable(1.0, 5.0, 10.0, y)
    sample = np.asarray(draw(process, stream(key, f"{y} {step_size}"), step_size))
    deviation = np.sqrt(step_size * float(process.cumulant(2)))
    for u in np.array([0.5, 2.0, 8.0]) / deviation:
        closed = np.exp(step_size * complex(exponent(process, jnp.asarray(u + 0j))))
        assert_mean(np.cos(u * sample), closed.real)
        assert_mean(np.sin(u * sample), closed.imag)
        pairs = sample[::2] + sample[1::2]
        assert_mean(np.cos(u * pairs), (closed**2).real)
        assert_mean(np.sin(u * pairs), (closed**2).imag)
    mean, variance = (step_size * process.cumulant(order) for order in (1, 2))
    assert_mean(sample, mean)
    assert_mean((sample - mean) ** 2, variance)


@pytest.mark.slow
@pytest.mark.parametrize(("y", "step_size"), [(1.0, 1e-6), (1.0, 0.004), (1.5, 5.0), (1.95, 0.1)])
def test_the_error_of_the_quantile_function(y, step_size):
    """The distribution function, summed by Gauss-Legendre on four times as many cells, at the drawn quantiles."""
    process = TemperedStable(1.0, 5.0, 10.0, y)
    step = jnp.asarray(step_size)
    edges = process._edges(step)
    probability = np.array([1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6])
    quantile = np.asarray(draw_by_inversion(jnp.asarray(probability), _log_density, (process, step), edges))
    cells = np.sort(np.append(np.interp(np.linspace(0, 256, 1025), np.arange(257), edges), quantile))
    node, weight = np.polynomial.legendre.leggauss(8)
    half, middle = 0.5 * np.diff(cells), 0.5 * (cells[1:] + cells[:-1])
    density = np.exp(log_density(process, middle[:, None] + half[:, None] * node, step_size)).reshape(-1, 8)
    distribution = np.append(0.0, np.cumsum(density @ weight * half))
    np.testing.assert_allclose(distribution[-1], 1.0, rtol=1e-12)
    reached = distribution[np.searchsorted(cells, quantile)]
    relative = np.abs(reached - probability) / np.minimum(probability, 1.0 - probability)
    assert np.all(relative < [1e-6, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 1e-6])


@pytest.mark.slow
def test_gradient_passes_through_an_inverted_draw(key):
    total = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(TemperedStable(*p).increments(key, steps=64, step_size=0.1) ** 2))
    )
    start = np.array([1.0, 5.0, 10.0, 1.4])
    slopes = total(start)[1]
    for index, shift in enumerate(1e-5 * np.eye(4)):
        difference = (total(start + shift)[0] - total(start - shift)[0]) / 2e-5
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-5)


@pytest.mark.parametrize("y", [0.0, 0.5, 1.5])
def test_a_process_closed_over_in_jit_can_draw(key, y):
    """Its parameters are known there, while comparisons of them are traced; tracing alone tells."""
    process = TemperedStable(1.0, 5.0, 10.0, y)
    traced = jax.eval_shape(lambda key: process.increments(key, steps=4, step_size=0.1), key)
    assert traced.shape == (4,)


@pytest.mark.slow
def test_a_rejected_draw_has_no_gradient(key):
    """Said in the docstring: below y = 1 the derivative is taken as 0, never as something wrong."""
    slopes = jax.grad(lambda p: jnp.sum(TemperedStable(*p, 0.5).increments(key, steps=4, step_size=0.1)))(
        jnp.array([1.0, 5.0, 10.0])
    )
    assert np.all(slopes == 0.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((0.0, 5.0, 10.0, 0.5), r"c must lie in .*, was 0.0"),
        ((1.0, 0.0, 10.0, 0.5), r"g must lie in .*, was 0.0"),
        ((1.0, 5.0, -1.0, 0.5), r"m must lie in .*, was -1.0"),
        ((1.0, 5.0, 10.0, 2.0), r"y must lie in .*, was 2.0"),
        ((1.0, 5.0, 10.0, -0.5), r"y must lie in .*, was -0.5"),
        ((1.0, 5.0, 10.0, 1e-4), r"y must be 0 or at least 0.001; y, was 0.0001"),
        ((1.0, float("nan"), 10.0, 0.5), r"g must lie in .*, was nan"),
        ((1.0, 5.0, 10.0, float("nan")), r"y must lie in .*, was nan"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        TemperedStable(*parameters)


def test_arguments_are_checked(key):
    process = TemperedStable(1.0, 5.0, 10.0, 0.5)
    with pytest.raises(ValueError, match=r"steps must be at least 1, was 0"):
        process.increments(key, steps=0, step_size=1.0)
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was -1"):
        process.increments(key, steps=1, step_size=-1.0)
    with pytest.raises(ValueError, match=r"order must be at least 1, was 0"):
        process.cumulant(0)
    with pytest.raises(ValueError, match=r"x must lie in .*, was inf"):
        process.log_density(jnp.array([np.inf]), step_size=1.0)
