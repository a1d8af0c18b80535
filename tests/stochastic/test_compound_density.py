"""Densities and characteristic functions of jumps and of their sums, against quadrature and brute convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from aurora_jax.stochastic import CompoundPoisson, DoubleExponentialMarks, GaussianMarks, ParetoMarks, StudentTMarks

MARKS = {
    "gaussian": (GaussianMarks(-0.1, 0.2), stats.norm(-0.1, 0.2).pdf),
    "student": (StudentTMarks(3.0, 0.1, 0.2), stats.t(3.0, 0.1, 0.2).pdf),
    "pareto": (ParetoMarks(1.5, 0.4), stats.pareto(1.5, scale=0.4).pdf),
    "double": (
        DoubleExponentialMarks(0.3, 0.2, 0.4),
        lambda x: np.where(x >= 0, 0.3 / 0.2 * np.exp(-np.abs(x) / 0.2), 0.7 / 0.4 * np.exp(-np.abs(x) / 0.4)),
    ),
}
# Compiling a ray's integral takes seconds.
LIGHT_FIRST = ["gaussian", "double", *(pytest.param(name, marks=pytest.mark.slow) for name in ("student", "pareto"))]
SIZES = np.array([-2.0, -0.31, 0.07, 0.55, 0.85, 1.1, 1.9])
transform = jax.jit(lambda marks, u: marks.characteristic_function(u))
compiled = jax.jit(lambda process, x: process.log_density(x, step_size=0.5))


def log_density(process, x):
    """Evaluate 60 points at a time: every call has the one shape that is compiled."""
    padded = np.resize(np.ravel(x), -(-np.size(x) // 60) * 60).reshape(-1, 60)
    return np.concatenate([compiled(process, jnp.asarray(row)) for row in padded])[: np.size(x)]


def panels(edges, order=20):
    """Return Gauss-Legendre points and weights on every cell between the edges."""
    node, weight = np.polynomial.legendre.leggauss(order)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * node).ravel(), (half[:, None] * weight).ravel()


@pytest.mark.parametrize("name", MARKS)
def test_the_density_of_a_jump(name):
    marks, density = MARKS[name]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(marks.log_density(jnp.asarray(SIZES)), np.log(density(SIZES)), rtol=1e-12)


@pytest.mark.parametrize("name", MARKS)
def test_the_characteristic_function_of_a_jump(name):
    """By quadrature of the density; panels as fine as the oscillation, and the power tails in logarithms beyond."""
    marks, density = MARKS[name]
    u = np.array([-7.0, -0.3, 0.0, 0.5, 3.0, 20.0])
    edge = 0.4 if name == "pareto" else 0.0
    half = edge + np.concatenate([np.geomspace(1e-12, 0.1, 40), np.arange(0.2, 2000.0, 0.1)])
    right = panels(np.append(edge, half))
    x, weight = right if name == "pareto" else (np.append(-right[0], right[0]), np.append(right[1], right[1]))
    by_quadrature = np.exp(1j * np.outer(u, x)) @ (density(x) * weight)
    beyond = 2e-5 if name == "pareto" else 1e-9  # the mass beyond 2000
    np.testing.assert_allclose(transform(marks, jnp.asarray(u)), by_quadrature, atol=beyond)
    assert transform(marks, jnp.zeros(6))[0] == 1.0


def test_pareto_characteristic_function_near_zero_and_far_out():
    """1 + iu E U - Gamma(1 - a) (-ium)^a + ... near 0; a i e^(ium) / (um) far out (by parts)."""
    exponent, minimum = 1.5, 0.4
    marks = ParetoMarks(exponent, minimum)
    u = np.array([1e-6, 1e-4, 1e-6, 1e-4, 1e6, 1e6])
    near = 1j * u * 1.2 + 2.0 * np.sqrt(np.pi) * (-1j * u * minimum) ** exponent
    ours = np.asarray(transform(marks, jnp.asarray(u)))
    np.testing.assert_allclose(ours[:4] - 1.0, near[:4], rtol=1e-4, atol=1e-12)
    u = 1e6
    far = exponent * 1j * np.exp(1j * u * minimum) / (u * minimum)
    np.testing.assert_allclose(ours[4:], far, rtol=1e-4)


@pytest.mark.parametrize("nu", [1.0, 3.0])
def test_student_characteristic_function_in_closed_form(nu):
    u = np.array([-30.0, -1e-3, 0.5, 4.0, 9.0, 1e-9])
    w = np.sqrt(nu) * 0.2 * np.abs(u)
    closed = np.exp(-w) * (1.0 if nu == 1.0 else 1.0 + w) * np.exp(0.1j * u)
    ours = transform(StudentTMarks(nu, 0.1, 0.2), jnp.asarray(u))
    np.testing.assert_allclose(ours, closed, rtol=1e-11)


@pytest.mark.parametrize("name", LIGHT_FIRST)
def test_few_jumps_are_one_or_two(name):
    """With lambda h = 1e-4 the third jump weighs 1e-9 relative to the first: one density and one convolution."""
    marks, density = MARKS[name]
    expected = 1e-4
    ours = np.exp(log_density(CompoundPoisson(2.0 * expected, marks), SIZES))
    for x, value in zip(SIZES, ours, strict=True):
        breaks = sorted({0.0, x, 0.1, x - 0.1, 0.4, x - 0.4})
        two = quad(lambda y, x=x: density(y) * density(x - y), -50, 50, points=breaks, limit=500, epsabs=1e-12)[0]
        one = np.exp(-expected) * (expected * density(x) + 0.5 * expected**2 * two)
        np.testing.assert_allclose(value, one, rtol=1e-6, atol=1e-16)


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("intensity", [0.02, 12.0])
def test_the_mass_is_what_the_atom_leaves(name, intensity):
    """Integrated on panels whose edges are the jumps and kinks of the density: multiples of Pareto's minimum, and 0."""
    process = CompoundPoisson(intensity, MARKS[name][0])
    atom = float(process.atom(step_size=0.5))
    np.testing.assert_allclose(atom, np.exp(-0.5 * intensity), rtol=1e-14)
    steps = 0.4 * np.append(np.arange(1, 41), np.geomspace(41, 1e8, 100))
    right = steps if name == "pareto" else np.append(0.0, np.geomspace(1e-9, 1e5, 140))
    x, weight = panels(right, 12)
    if name != "pareto":
        x, weight = np.append(-x, x), np.append(weight, weight)
    mass = np.exp(log_density(process, x)) @ weight
    np.testing.assert_allclose(mass, 1.0 - atom, rtol=1e-8 if name != "pareto" else 1e-7)
    if name in ("gaussian", "double"):
        np.testing.assert_allclose((np.exp(log_density(process, x)) * x) @ weight, 0.5 * process.cumulant(1), rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["student", "pareto"])
def test_far_tails_are_single_jumps(name):
    """P(sum > x) ~ lambda P(U > x) for power tails."""
    marks, density = MARKS[name]
    ours = log_density(CompoundPoisson(4.0, marks), np.array([1e7]))
    np.testing.assert_allclose(ours, np.log(2.0 * density(1e7)), atol=1e-4)


def test_double_exponential_sums_jump_at_zero():
    """At 0 the density is the limit from above: lambda e^-lambda f(0+) and the continuous rest."""
    process = CompoundPoisson(2.0, MARKS["double"][0])
    above, at, below = np.exp(log_density(process, np.array([1e-12, 0.0, -1e-12])))
    np.testing.assert_allclose(at, above, rtol=1e-5)
    np.testing.assert_allclose(above - below, np.exp(-1.0) * (0.3 / 0.2 - 0.7 / 0.4), rtol=1e-4)


def test_no_intensity_is_all_atom():
    process = CompoundPoisson(0.0, MARKS["gaussian"][0])
    assert np.all(log_density(process, SIZES) == -np.inf)
    assert process.atom(step_size=0.5) == 1.0
    assert process.characteristic_function(jnp.ones(())) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKS)
def test_gradients(name):
    """Of the density in the intensity and in where it is taken."""
    marks = MARKS[name][0]
    value = jax.jit(jax.value_and_grad(lambda p: CompoundPoisson(p[0], marks).log_density(p[1], step_size=0.5)))
    point = np.array([2.0, 0.97])
    slopes = value(point)[1]
    for index, shift in enumerate(1e-6 * np.eye(2)):
        difference = (value(point + shift)[0] - value(point - shift)[0]) / 2e-6
        np.testing.assert_allclose(slopes[index], difference, rtol=1e-6)


@pytest.mark.slow
def test_no_gradient_where_there_are_no_jumps():
    """Below Pareto's minimum the logarithm is minus infinity; its derivatives are taken as 0, not NaN."""
    value = jax.jit(
        jax.value_and_grad(lambda p: CompoundPoisson(p[0], ParetoMarks(p[1], p[2])).log_density(p[3], step_size=0.5))
    )
    for x in (-1.0, 0.1):
        log_value, slopes = value(np.array([2.0, 1.5, 0.2, x]))
        assert log_value == -np.inf
        assert np.all(slopes == 0.0)
    assert np.all(jax.grad(lambda a: ParetoMarks(a, 0.2).log_density(-jnp.ones(())))(1.5) == 0.0)


def test_refusals():
    gaussian, student, pareto, double = (MARKS[name][0] for name in ("gaussian", "student", "pareto", "double"))
    for marks, most in ((gaussian, 150), (student, 10), (pareto, 10)):
        with pytest.raises(ValueError, match=rf"at most {most}.0 jumps may be expected, was 1000.0"):
            CompoundPoisson(1000.0, marks).log_density(jnp.ones(1), step_size=1.0)
    for marks in (student, pareto):
        with pytest.raises(ValueError, match=r"u must be real .*, was complex128"):
            marks.characteristic_function(jnp.ones(1, complex))
    for marks in (gaussian, student, pareto, double):
        with pytest.raises(ValueError, match=r"x must lie in .*, was nan"):
            marks.log_density(jnp.array([np.nan]))
        with pytest.raises(ValueError, match=r"x must lie in .*, was inf"):
            CompoundPoisson(1.0, marks).log_density(jnp.array([np.inf]), step_size=1.0)
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was 0"):
        CompoundPoisson(1.0, gaussian).atom(step_size=0.0)
