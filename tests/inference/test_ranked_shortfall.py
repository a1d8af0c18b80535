from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from scipy import stats
from scipy.integrate import quad

from aurora_jax.core import student_t_quantile
from aurora_jax.inference import acerbi_szekely_ranked
from aurora_jax.inference.ranked_shortfall import expected_tail_mean
from tests.statistics import assert_mean

DAYS, P = 250, 0.025
ranked = jax.jit(
    partial(acerbi_szekely_ranked, quantile=norm.ppf, tail_probability=P), static_argnames=("significance",)
)


@pytest.mark.parametrize(("days", "count"), [(2, 1), (250, 6), (1000, 1), (10, 10)])
def test_expected_order_statistics_in_closed_form(days, count):
    uniform = expected_tail_mean(lambda u: u, days=days, count=count)
    np.testing.assert_allclose(uniform, (count + 1) / (2 * (days + 1)), rtol=1e-9)
    # Minus an exponential: the i-th smallest of n has mean -(1/i + ... + 1/n).
    exponential = expected_tail_mean(jnp.log, days=days, count=count)
    harmonic = np.cumsum(1 / np.arange(1.0, days + 1)[::-1])[::-1]
    np.testing.assert_allclose(exponential, -np.mean(harmonic[:count]), rtol=1e-9)


def test_expected_minimum_of_heavy_tails():
    found = expected_tail_mean(partial(student_t_quantile, degrees_of_freedom=3.0), days=40, count=1)
    density = lambda x: 40 * x * stats.t.pdf(x, 3) * stats.t.sf(x, 3) ** 39  # noqa: E731
    expected = quad(density, -np.inf, -2, epsabs=1e-12)[0] + quad(density, -2, 10, epsabs=1e-12)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_two_days_by_hand():
    # Residuals -1 and .5 of normal forecasts -.1 + 1 e and .2 + 2 e; the smaller of two has mean -1 / sqrt(pi).
    mean, scale = np.array([-0.1, 0.2]), np.array([1.0, 2.0])
    low = -1 / np.sqrt(np.pi)
    expected = 1 - 0.5 * ((-0.1 - 1) / (-0.1 + low) + (0.2 - 2) / (0.2 + 2 * low))
    null = np.array([[-1.0, 0.5], [-2.0, 0.0], [0.1, 0.2]])
    found = acerbi_szekely_ranked(
        mean + scale * np.array([-1.0, 0.5]), mean, scale,
        quantile=norm.ppf, tail_probability=0.5, simulated_residuals=null, significance=0.5,
    )  # fmt: skip
    np.testing.assert_allclose(found.statistic, expected, rtol=1e-9)
    # Draws: itself, one with a deeper tail, one without a loss: (1 + 2) / (1 + 3); rejected below the second smallest.
    np.testing.assert_allclose([found.p_value, found.critical_value], [0.75, expected], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
def test_mean_zero_and_size_under_the_null_power_against_heavier_tails():
    generator = np.random.default_rng(8)
    mean, scale = np.full(DAYS, 0.01), np.linspace(0.5, 2.0, DAYS)
    null = generator.standard_normal((2000, DAYS))

    def one(residuals, simulated):
        return ranked(mean + scale * residuals, mean, scale, simulated_residuals=simulated)

    many = jax.jit(jax.vmap(one, in_axes=(0, None)))  # a null closed over would be sorted by the compiler
    honest = many(jnp.asarray(generator.standard_normal((400, DAYS))), null)
    assert_mean(honest.statistic, 0.0)
    assert abs(np.mean(np.asarray(honest.p_value) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    heavier = many(jnp.asarray(generator.standard_t(3, (400, DAYS)) / np.sqrt(3)), null)
    assert np.mean(np.asarray(heavier.p_value) < 0.05) > 0.5
    assert np.mean(heavier.statistic) < -0.2


def test_bad_arguments_are_refused():
    ones, null = np.ones(DAYS), np.zeros((3, DAYS))
    with pytest.raises(ValueError, match=r"20 days x 0\.025 is below 1"):
        ranked(ones[:20], ones[:20], ones[:20], simulated_residuals=null[:, :20])
    with pytest.raises(ValueError, match="were 250, 250, 250 and 20"):
        ranked(ones, ones, ones, simulated_residuals=null[:, :20])
    with pytest.raises(ValueError, match="held none"):
        ranked(ones, ones, ones, simulated_residuals=null[:0])
    for wrong, rule in (((ones, 0 * ones, -ones), "scale must be > 0"), ((ones, 9 * ones, ones), "has no loss")):
        with pytest.raises((RuntimeError, ValueError), match=rule):
            ranked(*wrong, simulated_residuals=null)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_residuals_that_are_not_finite_are_refused(wrong):
    ones, null = np.ones(DAYS), np.zeros((3, DAYS))
    null[1, 7] = wrong
    with pytest.raises((RuntimeError, ValueError), match="simulated residuals must be finite"):
        ranked(ones, 0 * ones, ones, simulated_residuals=null)
