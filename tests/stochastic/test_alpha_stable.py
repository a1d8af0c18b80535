"""Stable laws: the three in closed form, scipy, series for tails and centre, and draws of every skewness."""

import warnings
from math import factorial, gamma, pi

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.stochastic import AlphaStable
from tests.statistics import assert_mean

POINTS = np.array([-60.0, -7.0, -2.0, -1.0, -0.3, 0.2, 0.6, 1.3, 4.0, 50.0])
ONE = 1.0
compiled = jax.jit(lambda process, x, step_size: process.log_density(x, step_size=step_size))
density_and_slope = jax.jit(
    jax.value_and_grad(lambda p: AlphaStable(p[0], p[1], p[2]).log_density(p[3], step_size=0.3))
)
exponent = jax.jit(lambda process, u: process.characteristic_exponent(u))
draw = jax.jit(lambda process, key, step_size: process.increments(key, steps=20_000, step_size=step_size))


def log_density(process, x, step_size):
    """Evaluate a dozen points at a time: every call has the one shape that is compiled."""
    x = np.ravel(x)
    padded = np.resize(x, -(-x.size // 12) * 12).reshape(-1, 12)
    return np.concatenate([compiled(process, jnp.asarray(row), step_size) for row in padded])[: x.size]


def density_of(alpha, beta, scale, x, step_size=ONE):
    return np.exp(log_density(AlphaStable(alpha, beta, scale), x, step_size))


@pytest.mark.slow
def test_gaussian_at_two():
    """Variance 2 scale^2, whatever the skewness; in the tails too, where the density is 1e-250."""
    x = np.append(POINTS[1:-1], [-33.0, 34.0])
    ours = log_density(AlphaStable(2.0, 0.7, 1.0), x, ONE)
    np.testing.assert_allclose(ours, stats.norm(scale=np.sqrt(2.0)).logpdf(x), rtol=1e-12)
    assert float(AlphaStable(2.0, 0.7, 1.5).cumulant(2)) == 2.0 * 1.5**2
    assert float(AlphaStable(2.0, 0.7, 1.5).cumulant(3)) == 0.0


def test_cauchy_at_one():
    ours = log_density(AlphaStable(1.0, 0.0, 2.0), POINTS, 0.25)
    np.testing.assert_allclose(ours, stats.cauchy(scale=0.5).logpdf(POINTS), rtol=1e-12)


def test_levy_at_one_half():
    x = np.array([-2.0, -1e-9, 1e-3, 0.1, 1.0, 1e3, 1e9])
    ours = log_density(AlphaStable(0.5, 1.0, 1.0), x, ONE)
    assert np.all(ours[:2] == -np.inf)
    np.testing.assert_allclose(ours[2:], stats.levy.logpdf(x[2:]), rtol=1e-11)
    mirrored = log_density(AlphaStable(0.5, -1.0, 1.0), -x, ONE)
    np.testing.assert_allclose(mirrored, ours, rtol=1e-11)


@pytest.mark.parametrize(
    ("alpha", "beta"), [(0.3, 0.5), (0.7, -0.9), (0.95, 0.3), (1.0, 0.5), (1.05, 0.5), (1.5, -0.3), (1.9, 0.9)]
)
def test_scipy(alpha, beta):
    """Scipy's integral of the same law by another method is good to about 1e-8 away from 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = stats.levy_stable.pdf(POINTS, alpha, beta)
    np.testing.assert_allclose(density_of(alpha, beta, 1.0, POINTS), theirs, rtol=2e-7)


def test_landau_at_one_and_fully_skewed():
    """One side falls like exp(-exp|x|), the other like 1 / x^2."""
    x = np.array([-3.5, -3.0, -1.7, -0.6, 0.0, 0.7, 4.0, 5.13, 30.0, 500.0, 1e4])
    theirs = stats.landau.logpdf(x)
    np.testing.assert_allclose(log_density(AlphaStable(1.0, 1.0, 1.0), x, ONE), theirs, rtol=1e-9)
    np.testing.assert_allclose(log_density(AlphaStable(1.0, -1.0, 1.0), -x, ONE), theirs, rtol=1e-9)


@pytest.mark.parametrize("beta", [0.0, 1e-9, 2.9e-6, 3.1e-6, -1e-3])
def test_slight_skewness_at_one(beta):
    """d log f / d beta at beta = 0 is -(2 / pi) Im((1 - Euler - log z) conj(z) / z) with z = 1 - ix."""
    z = 1.0 - 1j * POINTS
    slope = -2.0 / pi * ((1.0 - np.euler_gamma - np.log(z)) * z.conj() / z).imag
    ours = log_density(AlphaStable(1.0, beta, 1.0), POINTS, ONE) - stats.cauchy.logpdf(POINTS)
    np.testing.assert_allclose(ours, beta * slope, rtol=0, atol=1e-9 + 2.0 * beta**2)


@pytest.mark.parametrize(("alpha", "beta"), [(0.6, -0.9), (1.01, 0.4), (1.5, -0.3), (1.99, 0.9)])
def test_tails_by_series(alpha, beta):
    """f(x) = Re sum_k (-c)^k Gamma(k alpha + 1) (ix)^(-k alpha - 1) / (k! pi), c = 1 - i beta tan(pi alpha / 2)."""
    x = np.array([-1e8, -1e5, 1e5, 1e8])
    c = 1.0 - 1j * beta * np.tan(pi * alpha / 2)
    size, c = np.abs(x), np.where(x > 0, c, np.conj(c))
    terms = [(-c) ** k / factorial(k) * gamma(k * alpha + 1) * (1j * size) ** (-k * alpha - 1) for k in range(1, 5)]
    np.testing.assert_allclose(density_of(alpha, beta, 1.0, x), sum(terms).real / pi, rtol=1e-9)


@pytest.mark.parametrize(("alpha", "beta"), [(1.1, 0.4), (1.5, -0.3), (1.99, 0.9)])
def test_centre_by_series(alpha, beta):
    """f(x) = Re sum_k (-ix)^k Gamma((k + 1) / alpha) c^(-(k + 1) / alpha) / (k! alpha pi)."""
    x = np.array([-0.1, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.1])
    c = 1.0 - 1j * beta * np.tan(pi * alpha / 2)
    terms = [(-1j * x) ** k / factorial(k) * gamma((k + 1) / alpha) * c ** (-(k + 1) / alpha) for k in range(40)]
    np.testing.assert_allclose(density_of(alpha, beta, 1.0, x), sum(terms).real / (pi * alpha), rtol=1e-11)


def test_a_power_tail():
    """P(X > x) ~ (1 + beta) Gamma(alpha) sin(pi alpha / 2) / pi x^-alpha, here as a density, at alpha = 1."""
    x = 1e7
    np.testing.assert_allclose(density_of(1.0, 0.5, 1.0, x), 1.5 / (pi * x**2), rtol=1e-5)


alphas, betas = st.floats(0.15, 2.0), st.floats(-1.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(alphas, betas, st.floats(0.1, 10.0), st.floats(0.01, 10.0))
def test_laws_of_the_exponent(alpha, beta, scale, time):
    """Self-similarity, reflection, and the exponent of the book."""
    process, u = AlphaStable(alpha, beta, scale), jnp.array([0.0, 0.1, 1.7, 9.0])
    at_u = np.asarray(exponent(process, u))
    assert at_u[0] == 0.0
    np.testing.assert_allclose(at_u[1:].real, -((scale * u[1:]) ** alpha), rtol=1e-12)
    np.testing.assert_allclose(exponent(process, -u), at_u.conj(), rtol=1e-12)
    np.testing.assert_allclose(exponent(AlphaStable(alpha, -beta, scale), u), at_u.conj(), rtol=1e-12)
    if alpha != 1.0:
        np.testing.assert_allclose(at_u.imag, -at_u.real * beta * np.tan(pi * alpha / 2), rtol=1e-9, atol=1e-12)
        longer = exponent(AlphaStable(alpha, beta, scale * time ** (1.0 / alpha)), u)
        np.testing.assert_allclose(longer, time * at_u, rtol=1e-9)


def test_the_exponent_at_one():
    u = np.array([0.1, 1.7, 9.0])
    closed = -1.3 * u * (1.0 + 1j * 0.4 * 2.0 / pi * np.log(u))
    np.testing.assert_allclose(exponent(AlphaStable(1.0, 0.4, 1.3), jnp.asarray(u)), closed, rtol=1e-13)


@settings(max_examples=25, deadline=None)
@given(alphas, betas, st.floats(-5.0, 5.0), st.floats(0.1, 4.0))
def test_reflection_and_steps_of_the_density(alpha, beta, x, step_size):
    """f(x; beta) = f(-x; -beta), and a step is the unit law scaled (and, at alpha = 1, shifted)."""
    if 0.0 < abs(alpha - 1.0) < 1e-3 or 0.0 < abs(x) < 1e-6:
        return
    ours = log_density(AlphaStable(alpha, beta, 1.0), x, step_size)
    mirrored = log_density(AlphaStable(alpha, -beta, 1.0), -x, step_size)
    np.testing.assert_allclose(ours, mirrored, rtol=1e-9, atol=1e-12)
    if alpha != 1.0:
        factor = step_size ** (1.0 / alpha)
        unit = log_density(AlphaStable(alpha, beta, 1.0), x / factor, ONE) - np.log(factor)
        np.testing.assert_allclose(ours, unit, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(0.8, -0.6), (1.0, 0.7), (1.6, 0.9)])
def test_the_density_integrates_to_one(alpha, beta):
    """By the trapezoidal rule in arsinh x; the tails beyond have a mass of 1e-12."""
    t = np.linspace(-35.0, 35.0, 1200)
    mass = density_of(alpha, beta, 1.3, np.sinh(t), 0.7) * np.cosh(t) * (t[1] - t[0])
    np.testing.assert_allclose(np.sum(mass), 1.0, atol=1e-8)


@pytest.mark.stat
@pytest.mark.parametrize(
    ("alpha", "beta"), [(0.5, 1.0), (0.8, -0.5), (1.0, 0.6), (1.0, 0.0), (1.4, -1.0), (1.9, 0.5), (2.0, 0.5)]
)
def test_draws_have_the_characteristic_function(key, alpha, beta):
    process = AlphaStable(alpha, beta, 1.3)
    sample = np.asarray(draw(process, stream(key, f"{alpha} {beta}"), 0.4))
    for u in (0.2, 0.7, 2.0):
        closed = np.exp(0.4 * complex(exponent(process, jnp.asarray(u))))
        assert_mean(np.cos(u * sample), closed.real)
        assert_mean(np.sin(u * sample), closed.imag)
        pairs = sample[::2] + sample[1::2]  # infinite divisibility: two steps are a step of twice the length
        assert_mean(np.cos(u * pairs), (closed**2).real)
        assert_mean(np.sin(u * pairs), (closed**2).imag)


def test_gradient_passes_through_a_draw(key):
    def total(parameters):
        return jnp.sum(jnp.tanh(AlphaStable(*parameters).increments(key, steps=32, step_size=0.3)))

    total = jax.jit(jax.value_and_grad(total))
    start = np.array([1.4, 0.3, 0.8])
    slopes = total(jnp.asarray(start))[1]
    for index, shift in enumerate(1e-6 * np.eye(3)):
        difference = (total(jnp.asarray(start + shift))[0] - total(jnp.asarray(start - shift))[0]) / 2e-6
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("point", [[1.5, 0.3, 2.0, 0.7], [0.8, -0.5, 1.0, -2.0], [1.95, -1.0, 1.0, 4.0]])
def test_gradient_of_the_density(point):
    point = np.array(point)
    slopes = density_and_slope(point)[1]
    for index, shift in enumerate(1e-6 * np.eye(4)):
        if abs(point[1]) == 1.0 and index == 1:
            continue  # no skewness beyond 1
        difference = (density_and_slope(point + shift)[0] - density_and_slope(point - shift)[0]) / 2e-6
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


@pytest.mark.slow
def test_gradients_at_the_cauchy_law(key):
    """Of the symmetric law, which is smooth in alpha at 1, and in beta for alpha = 1."""
    drawn = jax.jit(lambda p: jnp.tanh(AlphaStable(p[0], p[1], p[2]).increments(key, steps=8, step_size=0.3)))
    drawn_slopes = jax.jit(jax.jacfwd(drawn))
    for x in (-2.0, 0.0, 0.7):
        point = np.array([1.0, 0.0, 1.3, x])
        slopes, jacobian = density_and_slope(point)[1], drawn_slopes(point[:3])
        for index, shift in enumerate(1e-4 * np.eye(4)):
            difference = (density_and_slope(point + shift)[0] - density_and_slope(point - shift)[0]) / 2e-4
            np.testing.assert_allclose(slopes[index], difference, rtol=1e-6, atol=1e-7)
            if index < 3:
                difference = (drawn(point[:3] + shift[:3]) - drawn(point[:3] - shift[:3])) / 2e-4
                np.testing.assert_allclose(jacobian[:, index], difference, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 1.0), (1.0, 1.0), (1.5, -1.0), (2.0, 0.3)])
def test_gradients_on_the_edges(alpha, beta):
    """In scale and place as anywhere; in a parameter at its edge 0, as the docstring says; finite off the support."""
    point = np.array([alpha, beta, 1.0, 0.7])
    slopes = density_and_slope(point)[1]
    for index, shift in enumerate(1e-6 * np.eye(4)):
        if index >= 2:
            difference = (density_and_slope(point + shift)[0] - density_and_slope(point - shift)[0]) / 2e-6
            np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)
    # At alpha = 1 a step moves the centre by beta, whatever the density's own derivative in it.
    assert abs(beta) < 1.0 or alpha == 1.0 or slopes[1] == 0.0
    if alpha == 2.0:  # what is left is the scale of a step, 0.3^(1 / alpha)
        np.testing.assert_allclose(slopes[0], -slopes[2] * np.log(0.3) / 4.0, rtol=1e-10)
    assert np.all(np.isfinite(density_and_slope(np.array([alpha, beta, 1.0, -3.0]))[1]))


@pytest.mark.slow
def test_single_precision():
    with jax.enable_x64(False):
        process = AlphaStable(1.4, 0.3, 1.0)
        ours = process.log_density(jnp.asarray(POINTS, jnp.float32), step_size=1.0)
        drawn = process.increments(jax.random.key(0), steps=1000, step_size=1.0)
    assert ours.dtype == drawn.dtype == np.float32
    assert np.all(np.isfinite(drawn))
    np.testing.assert_allclose(ours, log_density(AlphaStable(1.4, 0.3, 1.0), POINTS, ONE), atol=1e-4)


def test_moments_that_do_not_exist_are_refused():
    assert float(AlphaStable(1.2, 0.5, 1.0).cumulant(1)) == 0.0
    with pytest.raises(ValueError, match=r"order 1 needs alpha > 1, was 1.0"):
        AlphaStable(1.0, 0.5, 1.0).cumulant(1)
    with pytest.raises(ValueError, match=r"order 2 needs alpha = 2, was 1.9"):
        AlphaStable(1.9, 0.5, 1.0).cumulant(2)
    with pytest.raises(ValueError, match=r"order must be at least 1, was 0"):
        AlphaStable(2.0, 0.5, 1.0).cumulant(0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((0.0, 0.0, 1.0), r"alpha must lie in .*, was 0.0"),
        ((2.1, 0.0, 1.0), r"alpha must be at most 2; alpha, was 2.1"),
        ((float("nan"), 0.0, 1.0), r"alpha must lie in .*, was nan"),
        ((1.5, 1.1, 1.0), r"beta must be at most 1; beta, was 1.1"),
        ((1.5, -1.1, 1.0), r"beta must lie in .*, was -1.1"),
        ((1.5, float("nan"), 1.0), r"beta must lie in .*, was nan"),
        ((1.5, 0.0, 0.0), r"scale must lie in .*, was 0.0"),
        ((1.5, 0.0, float("inf")), r"scale must lie in .*, was inf"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        AlphaStable(*parameters)


def test_arguments_are_checked(key):
    process = AlphaStable(1.5, 0.3, 1.0)
    with pytest.raises(ValueError, match=r"steps must be at least 1, was 0"):
        process.increments(key, steps=0, step_size=1.0)
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was 0"):
        process.log_density(jnp.zeros(2), step_size=0.0)
    with pytest.raises(ValueError, match=r"x must lie in .*, was nan"):
        process.log_density(jnp.array([0.0, np.nan]), step_size=1.0)
    with pytest.raises(ValueError, match=r"u must be real .*, was complex128"):
        process.characteristic_exponent(jnp.array([1j]))
    with pytest.raises(ValueError, match=r"time must lie in .*, was -1"):
        process.characteristic_function(jnp.ones(1), time=-1.0)
