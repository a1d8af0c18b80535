"""The Student-t copula: Kendall's tau by scipy, the profile by a direct search, recovery and coverage, refusals."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from aurora_jax.core import Outcome
from aurora_jax.invariants import student_copula, student_tail_dependence, tail_dependence_student
from aurora_jax.invariants.pair_counts import ranked
from aurora_jax.invariants.student_copula import leave_outs
from tests.statistics import assert_mean

from .samples import assert_no_estimate, covered, degenerate, gumbel_pairs, student_pairs

STEPS, PATHS = 1003, 16  # three steps are in no block
estimate_batch = jax.jit(jax.vmap(student_copula))


def negative_log_likelihood(degrees, correlation, u, v):
    """The copula density as a ratio of scipy's multivariate and univariate densities."""
    a, b = stats.t.ppf(u, degrees), stats.t.ppf(v, degrees)
    joint = stats.multivariate_t([0, 0], [[1, correlation], [correlation, 1]], df=degrees)
    return -np.sum(joint.logpdf(np.c_[a, b]) - stats.t.logpdf(a, degrees) - stats.t.logpdf(b, degrees))


@pytest.mark.parametrize(
    ("correlation", "degrees", "printed"),
    [(0.5, 2, 0.3910), (0.5, 4, 0.2532), (0.5, 10, 0.0819), (0, 2, 0.1817), (0, 4, 0.0756), (0, 10, 0.0069)],
)
def test_coefficient_as_printed(correlation, degrees, printed):
    """oracles.md, and the formula by scipy's Student-t distribution."""
    value = student_tail_dependence(jnp.asarray(float(correlation)), jnp.asarray(float(degrees)))
    np.testing.assert_allclose(value, printed, atol=5e-5)
    argument = -np.sqrt((degrees + 1) * (1 - correlation) / (1 + correlation))
    np.testing.assert_allclose(value, 2 * stats.t.cdf(argument, degrees + 1), rtol=1e-9)


def test_ranks_and_tau_without_each_block():
    x, y = student_pairs(4, 0.5, 1, paths=1, steps=STEPS)[:, 0]
    result = jax.jit(ranked)(x, y)
    blocks = [np.arange(0), *(np.arange(100 * b, 100 * b + 100) for b in range(10))]
    for row, block in enumerate(blocks):
        kept = np.delete(np.arange(STEPS), block)
        np.testing.assert_allclose(result.tau[row], stats.kendalltau(x[kept], y[kept]).statistic, rtol=1e-12)
        np.testing.assert_array_equal(result.first[row][kept], stats.rankdata(x[kept]))
        np.testing.assert_array_equal(result.second[row][kept], stats.rankdata(y[kept]))
        assert not np.any(result.first[row][block])


@pytest.mark.slow
def test_fit_against_a_direct_search():
    x, y = student_pairs(4, 0.5, 2, paths=1, steps=STEPS)[:, 0]
    result = jax.jit(leave_outs)(x, y)
    for row, block in ((0, np.arange(0)), (3, np.arange(200, 300))):
        a, b = np.delete(x, block), np.delete(y, block)
        correlation = np.sin(np.pi / 2 * stats.kendalltau(a, b).statistic)
        u, v = stats.rankdata(a) / (a.size + 1), stats.rankdata(b) / (a.size + 1)
        best = optimize.minimize_scalar(
            negative_log_likelihood,
            bounds=(1, 200),
            args=(correlation, u, v),
            method="bounded",
            options={"xatol": 1e-8},
        ).x
        np.testing.assert_allclose(result[row, 0], correlation, rtol=1e-12)
        np.testing.assert_allclose(result[row, 1], best, rtol=1e-4)
    error = np.sqrt(9 / 10 * np.sum((result[1:, 2] - np.mean(result[1:, 2])) ** 2))
    whole = jax.tree.map(lambda part: part[0], estimate_batch(np.tile(x, (PATHS, 1)), np.tile(y, (PATHS, 1))))
    np.testing.assert_allclose(whole.tail_dependence.standard_error, error, rtol=1e-9)
    np.testing.assert_allclose(whole.tail_dependence.value, result[0, 2], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(("degrees", "correlation"), [(2, 0.5), (4, 0.5), (4, 0.0), (10, 0.5)])
def test_recovery_and_coverage(degrees, correlation):
    pairs = student_pairs(degrees, correlation, 3, paths=400, steps=2000)
    rho, nu, dependence = estimate_batch(*pairs)
    truth = 2 * stats.t.cdf(-np.sqrt((degrees + 1) * (1 - correlation) / (1 + correlation)), degrees + 1)
    assert_mean(rho.value, correlation, bias=0.002)
    assert_mean(dependence.value, truth, bias=0.01)
    assert abs(np.median(nu.value) - degrees) < 0.1 * degrees
    # A jackknife of ten blocks covers as Student-t_9. Near the Gaussian the coefficient is far from normal.
    assert_mean(covered(rho, correlation, deviations=2.262), 0.95, bias=0.02)
    assert_mean(covered(dependence, truth, deviations=2.262), 0.95, bias=0.08 if degrees == 10 else 0.02)


@pytest.mark.slow
@pytest.mark.stat
def test_other_copulas():
    """Independent mixing has no tail dependence and the fit finds less of it; a Gumbel pair is no Student-t pair.

    The fit to Gumbel(2) is symmetric in its tails and so misses .5858 above by what the lower tail, with none, takes.
    """
    random = np.random.default_rng(5)
    x, y = student_pairs(1e9, 0.5, 6, paths=PATHS, steps=STEPS)
    independent = random.chisquare(4, (2, PATHS, STEPS)) / 4
    result = estimate_batch(x / np.sqrt(independent[0]), y / np.sqrt(independent[1])).tail_dependence
    assert np.mean(result.value) < 0.1  # shared mixing: .2532
    gumbel = estimate_batch(*gumbel_pairs(2.0, 7, paths=PATHS, steps=STEPS))
    assert_mean(gumbel.correlation.value, np.sin(np.pi / 4), bias=0.002)  # tau = 1 - 1 / theta = 1/2
    assert 0.25 < np.mean(gumbel.tail_dependence.value) < 0.5


@pytest.mark.slow
def test_gaussian_pairs_have_no_tail_dependence():
    result = estimate_batch(*student_pairs(1e9, 0.5, 8, paths=PATHS, steps=STEPS))
    assert np.mean(result.tail_dependence.value) < 0.01
    assert np.all(result.tail_dependence.outcome == Outcome.OK)
    assert np.max(result.degrees_of_freedom.value) <= 200.0 + 1e-9


@settings(max_examples=3, deadline=None)
@given(st.floats(0.1, 3), st.floats(-3, 3))
def test_increasing_maps_and_order_of_arguments_change_nothing(scale, shift):
    x, y = student_pairs(4, 0.5, 9, paths=PATHS, steps=STEPS)
    a, b = x.copy(), y.copy()
    a[1], b[1] = np.arctan(scale * x[0] + shift), y[0] ** 3
    a[2], b[2] = y[0], x[0]
    a[3], b[3] = -x[0], -y[0]  # a Student-t copula has two equal tails
    a[0], b[0] = x[0], y[0]
    for part in estimate_batch(a, b):
        np.testing.assert_allclose(part.value[1:4], part.value[0], rtol=1e-7)
        np.testing.assert_allclose(part.standard_error[1:4], part.standard_error[0], rtol=1e-6)


def test_degenerate_pairs_have_an_outcome():
    x, y = student_pairs(4, 0.5, 10, paths=PATHS, steps=STEPS)
    cases = degenerate(STEPS)
    for place, (series, _) in enumerate(cases):
        x[2 * place], y[2 * place + 1] = series, series
    x[10] = y[10]
    result = estimate_batch(x, y)
    for place, (_, outcome) in enumerate(cases):
        for part in result:
            for row in (2 * place, 2 * place + 1):
                assert_no_estimate(jax.tree.map(lambda p, i=row: p[i], part), outcome)
    assert result.tail_dependence.value[10] > 0.9  # comonotone, as near as the density allows
    assert np.all(np.isfinite(result.tail_dependence.value[11:]))
    for size in (0, 49):
        for part in student_copula(jnp.arange(float(size)), jnp.arange(float(size))):
            assert_no_estimate(part, Outcome.TOO_SHORT)
    assert_no_estimate(tail_dependence_student(jnp.ones(9), jnp.ones(9)), Outcome.TOO_SHORT)


def test_lengths_are_checked():
    with pytest.raises(ValueError, match="x and y must have the same length, were 60 and 61"):
        inspect.unwrap(student_copula)(jnp.arange(60.0), jnp.arange(61.0))  # past the shape checks of tests


def test_density_integrates_to_one():
    """The oracle's own check: scipy's ratio is a copula density."""
    density = lambda u, v: np.exp(-negative_log_likelihood(4.0, 0.5, np.array([u]), np.array([v])))  # noqa: E731
    mass, _ = integrate.dblquad(density, 0.2, 0.8, 0.2, 0.8, epsabs=1e-4)
    low, high = stats.t.ppf([0.2, 0.8], 4)
    joint = stats.multivariate_t([0, 0], [[1, 0.5], [0.5, 1]], df=4, seed=0)
    rectangle = joint.cdf([high, high], lower_limit=[low, low])
    np.testing.assert_allclose(mass, rectangle, atol=1e-3)


def test_a_gaussian_pair_does_not_pretend_to_know_its_degrees():
    """At the upper bound they are not converged, and their error is not 0; tail dependence stays usable."""
    pairs = np.random.default_rng(4).multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], (PATHS, STEPS))
    found = estimate_batch(jnp.asarray(pairs[:, :, 0]), jnp.asarray(pairs[:, :, 1]))
    degrees = found.degrees_of_freedom
    at_bound = np.asarray(degrees.value) >= 0.999 * 200.0
    assert np.any(at_bound)
    np.testing.assert_array_equal(np.asarray(degrees.outcome)[at_bound], int(Outcome.NOT_CONVERGED))
    assert np.all(np.asarray(degrees.standard_error) > 0.0)
    assert np.all(found.tail_dependence.outcome == Outcome.OK)
