import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.inference import acerbi_szekely, acerbi_szekely_statistic
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


@pytest.mark.stat
@pytest.mark.parametrize(("nu", "critical"), [(np.inf, -0.700), (3.0, -0.814), (5.0, -0.735), (10.0, -0.712)])
def test_critical_values_of_the_paper(nu, critical):
    generator = np.random.default_rng(11)
    if np.isinf(nu):
        x, bound, shortfall = generator.standard_normal((DRAWS, DAYS)), -stats.norm.ppf(P), 2.3378027922
    else:
        x, bound = generator.standard_t(nu, (DRAWS, DAYS)), -stats.t.ppf(P, nu)
        shortfall = (nu + bound**2) / (nu - 1) * stats.t.pdf(bound, nu) / P
    found = np.asarray(statistics(jnp.asarray(x), bound, shortfall))
    assert_mean(found, 0.0)
    # The 5 % quantile of 10,000 draws has a standard error of about .008.
    np.testing.assert_allclose(np.quantile(found, 0.05), critical, atol=0.03)


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
    with pytest.raises(RuntimeError, match="must be > 0"):
        acerbi_szekely_statistic(x, bound, -bound, tail_probability=0.25)
    with pytest.raises(RuntimeError, match="must be finite"):
        acerbi_szekely_statistic(np.array([0.5, np.nan, 1.0, 1.0]), bound, bound, tail_probability=0.25)
