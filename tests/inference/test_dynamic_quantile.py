import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from aurora_jax.inference import dynamic_quantile

DAYS, P = 400, 0.1
dynamic_quantile_many = jax.jit(jax.vmap(lambda hits, bound: dynamic_quantile(hits, bound, tail_probability=P)))


def clustered(seed):
    """Breaches six times as likely the day after one, and a value at risk that wanders."""
    generator = np.random.default_rng(seed)
    hits = np.zeros(DAYS, bool)
    for day in range(1, DAYS):
        hits[day] = generator.uniform() < (0.42 if hits[day - 1] else 0.07)
    return hits, 1.0 + 0.1 * generator.standard_normal(DAYS)


def test_agrees_with_least_squares_of_statsmodels():
    hits, bound = clustered(3)
    h = hits - P
    lags = [h[4 - lag : DAYS - lag] for lag in range(1, 5)]
    regression = sm.OLS(h[4:], np.column_stack([np.ones(DAYS - 4), *lags, bound[4:]])).fit()
    expected = np.sum(regression.fittedvalues**2) / (P * (1 - P))
    found = dynamic_quantile(hits, bound, tail_probability=P)
    np.testing.assert_allclose(found.statistic, expected, rtol=1e-10)
    assert found.degrees_of_freedom == 6
    np.testing.assert_allclose(found.p_value, stats.chi2.sf(expected, 6), rtol=1e-8)


def test_without_lags_by_hand():
    # Only the constant: 2 hits on 8 days at p = .5, mean of h = -1/4: 8 x (1/4)^2 / (1/4) = 2, one degree of freedom.
    hits = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    found = dynamic_quantile(hits, np.full(8, 3.0), tail_probability=0.5, lags=0)
    np.testing.assert_allclose([found.statistic, found.degrees_of_freedom], [2.0, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found.p_value, stats.chi2.sf(2.0, 1), rtol=1e-10)


def test_regressors_that_repeat_each_other_count_once():
    """A constant value at risk is the constant again; without a hit the lags are, too."""
    hits, _ = clustered(4)
    constant = dynamic_quantile(hits, np.full(DAYS, 2.0), tail_probability=P)
    assert constant.degrees_of_freedom == 5
    nothing = dynamic_quantile(np.zeros(DAYS, bool), np.full(DAYS, 2.0), tail_probability=P)
    assert nothing.degrees_of_freedom == 1
    np.testing.assert_allclose(nothing.statistic, (DAYS - 4) * P / (1 - P), rtol=1e-9)


def test_the_unit_of_money_does_not_matter():
    hits, bound = clustered(5)
    before, after = (dynamic_quantile(hits, unit * bound, tail_probability=P) for unit in (1.0, 1e-7))
    np.testing.assert_allclose(after, before, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
def test_size_and_power():
    generator = np.random.default_rng(6)
    bound = 1.0 + 0.1 * generator.standard_normal((1000, DAYS))
    honest = dynamic_quantile_many(jnp.asarray(generator.uniform(size=(1000, DAYS)) < P), jnp.asarray(bound))
    assert abs(np.mean(np.asarray(honest.p_value) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1000) + 0.01
    hits, bound = (np.stack(rows) for rows in zip(*(clustered(seed) for seed in range(200)), strict=True))
    assert np.mean(np.asarray(dynamic_quantile_many(jnp.asarray(hits), jnp.asarray(bound)).p_value) < 0.05) > 0.75
    # The wrong number of hits is enough: 20 % where 10 % were promised.
    many = dynamic_quantile_many(jnp.asarray(generator.uniform(size=(200, DAYS)) < 2 * P), jnp.asarray(bound))
    assert np.mean(np.asarray(many.p_value) < 0.05) > 0.9


def test_bad_arguments_are_refused():
    hits, bound = clustered(7)
    with pytest.raises(ValueError, match=r"was 1\.5"):
        dynamic_quantile(hits, bound, tail_probability=1.5)
    with pytest.raises(ValueError, match="at least 0, was -1"):
        dynamic_quantile(hits, bound, tail_probability=P, lags=-1)
    with pytest.raises(ValueError, match="were 400 and 399"):
        dynamic_quantile(hits, bound[1:], tail_probability=P)
    with pytest.raises(ValueError, match="more than 10 days with 4 lags, were 10"):
        dynamic_quantile(hits[:10], bound[:10], tail_probability=P)
    with pytest.raises(RuntimeError, match="value_at_risk must be finite"):
        dynamic_quantile(hits, np.where(bound > 1.2, np.nan, bound), tail_probability=P)
