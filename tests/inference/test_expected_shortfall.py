from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import Outcome
from aurora_jax.inference import (
    acerbi_szekely,
    acerbi_szekely_conditional,
    acerbi_szekely_statistic,
    forecast_draws,
)
from tests.statistics import assert_mean

P, DAYS, DRAWS = 0.025, 250, 10_000


@jax.jit
def statistics(returns, value_at_risk, expected_shortfall):
    def one(row):
        bound, shortfall = jnp.full(DAYS, value_at_risk), jnp.full(DAYS, expected_shortfall)
        return acerbi_szekely_statistic(row, bound, shortfall, tail_probability=P)

    return jax.vmap(one)(returns)


def test_three_days_by_hand():
    # One hit of -3 against ES 2 on 4 days at p = .25: 1 - 1.5 / (4 x .25) = -.5; the other days lose less than VaR.
    x, bound = np.array([0.5, -3.0, -0.9, 2.0]), np.ones(4)
    np.testing.assert_allclose(acerbi_szekely_statistic(x, bound, 2.0 * bound, tail_probability=0.25), -0.5)
    null = np.array([[0.5, -3.0, -0.9, 2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    # Draws score -.5, 1 and 1: one is as low, so (1 + 1) / (1 + 3).
    found = acerbi_szekely(x, bound, 2.0 * bound, tail_probability=0.25, simulated_returns=null)
    np.testing.assert_allclose([found.statistic, found.p_value], [-0.5, 0.5])


def law_of(nu):
    """Return value at risk and expected shortfall of the normal or Student-t law."""
    if np.isinf(nu):
        return -stats.norm.ppf(P), 2.3378027922
    bound = -stats.t.ppf(P, nu)
    return bound, (nu + bound**2) / (nu - 1) * stats.t.pdf(bound, nu) / P


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(("nu", "critical"), [(np.inf, -0.700), (3.0, -0.814), (5.0, -0.735), (10.0, -0.712)])
def test_critical_values_of_the_paper(key, nu, critical):
    """oracles.md, to its tolerance of .02: the 5 % quantile of 40,000 draws has a standard error of .004."""
    simulated = forecast_draws(key, np.zeros(DAYS), np.ones(DAYS), degrees_of_freedom=nu, draws=4 * DRAWS)
    bound, shortfall = (np.full(DAYS, value) for value in law_of(nu))
    found = acerbi_szekely(simulated[0], bound, shortfall, tail_probability=P, simulated_returns=simulated)
    np.testing.assert_allclose(found.critical_value, critical, atol=0.02)
    null = np.asarray(statistics(simulated, *law_of(nu)))
    assert_mean(null, 0.0)
    np.testing.assert_allclose(found.critical_value, np.quantile(null, 0.05), atol=1e-3)


@pytest.mark.stat
@pytest.mark.parametrize("nu", [np.inf, 4.0])
def test_draws_come_from_the_forecasts(key, nu):
    mean, scale = np.array([0.1, -0.3]), np.array([0.5, 2.0])
    drawn = np.asarray(forecast_draws(key, mean, scale, degrees_of_freedom=nu, draws=DRAWS))
    law = stats.norm(mean, scale) if np.isinf(nu) else stats.t(nu, mean, scale)
    for q in (0.05, 0.5, 0.9):
        assert_mean(drawn < law.ppf(q), q)


def test_the_conditional_statistic_by_hand():
    # Hits of -3 and -1.5 against ES 2: 1 - (1.5 + .75) / 2 = -.125, however many days there are.
    x, bound = np.array([0.5, -3.0, -1.5, 2.0]), np.ones(4)
    null = np.array([[-2.0, 0.0, 0.0, 0.0], [-4.0, -2.2, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5], [-2.25, 0.0, 0.0, 0.0]])
    # Draws score 0, -.55 and -.125, and one has no hit and no score: (1 + 2) / (1 + 3).
    found = acerbi_szekely_conditional(x, bound, 2 * bound, simulated_returns=null, significance=0.5)
    np.testing.assert_allclose([found.statistic, found.p_value], [-0.125, 0.75], rtol=1e-12)
    np.testing.assert_allclose(found.critical_value, -0.125, rtol=1e-12)  # the second of three
    assert found.outcome == Outcome.OK


def test_without_a_hit_nothing_contradicts_the_shortfall():
    calm, bound = np.zeros(4), np.ones(4)
    found = acerbi_szekely_conditional(calm, bound, 2 * bound, simulated_returns=np.full((9, 4), -3.0))
    assert found.outcome == Outcome.TOO_SHORT
    assert (found.statistic, found.p_value) == (0.0, 1.0)


@pytest.mark.slow
@pytest.mark.stat
def test_the_conditional_statistic_sees_size_not_number():
    """Twice as many hits of the right size pass; hits of half as much again do not."""
    generator = np.random.default_rng(12)
    bound, shortfall = np.full(DAYS, -stats.norm.ppf(P)), np.full(DAYS, 2.3378027922)
    null = generator.standard_normal((2000, DAYS))
    p_values = jax.jit(
        jax.vmap(lambda x: acerbi_szekely_conditional(x, bound, shortfall, simulated_returns=null).p_value)
    )
    honest = generator.standard_normal((400, DAYS))
    assert abs(np.mean(np.asarray(p_values(jnp.asarray(honest))) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    tail = -stats.norm.isf(generator.uniform(0.0, P, (400, DAYS)))
    often = np.where(generator.uniform(size=(400, DAYS)) < 2 * P, tail, 0.0)
    assert np.mean(np.asarray(p_values(jnp.asarray(often))) < 0.05) < 0.12
    assert np.mean(np.asarray(p_values(jnp.asarray(1.5 * honest))) < 0.05) > 0.3


@pytest.mark.slow
@pytest.mark.stat
def test_underestimated_risk_is_rejected_and_honest_risk_is_not():
    """Student-t(3) returns against normal forecasts of the same variance, 250 days."""
    generator = np.random.default_rng(5)
    bound, shortfall = np.full(DAYS, -stats.norm.ppf(P)), np.full(DAYS, 2.3378027922)
    null = generator.standard_normal((2000, DAYS))

    def p_value(x):
        return acerbi_szekely(x, bound, shortfall, tail_probability=P, simulated_returns=null).p_value

    p_values = jax.jit(jax.vmap(p_value))
    honest = np.asarray(p_values(jnp.asarray(generator.standard_normal((400, DAYS)))))
    assert abs(np.mean(honest < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    wrong = np.asarray(p_values(jnp.asarray(1.5 * generator.standard_normal((400, DAYS)))))
    assert np.mean(wrong < 0.05) > 0.9


def test_the_unit_does_not_matter():
    x, bound = np.array([0.5, -3.0, -0.9, 2.0]), np.ones(4)
    before = acerbi_szekely_statistic(x, bound, 2 * bound, tail_probability=0.25)
    after = acerbi_szekely_statistic(1e-3 * x, 1e-3 * bound, 2e-3 * bound, tail_probability=0.25)
    np.testing.assert_allclose(after, before, rtol=1e-12)


def test_bad_arguments_are_refused():
    x, bound = np.array([0.5, -3.0, -0.9, 2.0]), np.ones(4)
    with pytest.raises(ValueError, match="was 1"):
        acerbi_szekely_statistic(x, bound, bound, tail_probability=1.0)
    with pytest.raises(ValueError, match="held none"):
        acerbi_szekely(x, bound, bound, tail_probability=0.25, simulated_returns=np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"must hold 4 days a draw, .*held 3"):
        acerbi_szekely(x, bound, bound, tail_probability=0.25, simulated_returns=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"significance must lie in .*, was 1"):
        acerbi_szekely(x, bound, bound, tail_probability=0.25, simulated_returns=np.zeros((2, 4)), significance=1.0)
    with pytest.raises(RuntimeError, match="must be > 0"):
        acerbi_szekely_statistic(x, bound, -bound, tail_probability=0.25)
    with pytest.raises(ValueError, match="had 4, 3 and 4"):
        acerbi_szekely_statistic(x, bound[:3], bound, tail_probability=0.25)
    with pytest.raises(RuntimeError, match="simulated returns must be finite"):
        acerbi_szekely(x, bound, bound, tail_probability=0.25, simulated_returns=np.full((2, 4), -np.inf))
    with pytest.raises(RuntimeError, match="must be finite"):
        acerbi_szekely_statistic(np.array([0.5, np.nan, 1.0, 1.0]), bound, bound, tail_probability=0.25)


def test_draws_are_checked(key):
    with pytest.raises(ValueError, match="were 2 and 1"):
        forecast_draws(key, np.zeros(2), np.ones(1), draws=3)
    with pytest.raises(ValueError, match="was -1"):
        forecast_draws(key, np.zeros(2), np.ones(2), degrees_of_freedom=-1.0, draws=3)
    with pytest.raises(ValueError, match="was 0"):
        forecast_draws(key, np.zeros(2), np.ones(2), draws=0)
    with pytest.raises(RuntimeError, match="scale > 0"):
        forecast_draws(key, np.zeros(2), np.array([1.0, -1.0]), draws=3)
    with pytest.raises(RuntimeError, match="mean must be finite"):
        forecast_draws(key, np.array([0.0, np.nan]), np.ones(2), draws=3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_draws_that_are_not_finite_are_refused(wrong):
    """A NaN would otherwise pass for a day without a loss."""
    x, bound = np.array([0.5, -3.0, -0.9, 2.0]), np.ones(4)
    simulated = np.array([[0.5, wrong, 0.0, 0.0], [0.0, -2.0, 0.0, 0.0]])
    for test in (acerbi_szekely_conditional, partial(acerbi_szekely, tail_probability=0.25)):
        with pytest.raises(RuntimeError, match="simulated returns must be finite"):
            test(x, bound, 2.0 * bound, simulated_returns=simulated)
