"""The columns and the test behind the causal tail field, by hand and against SciPy and statsmodels."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from aurora_jax.certification.causal_tail_coefficient import causal_tail_coefficients
from aurora_jax.certification.causal_tail_columns import exceedances, lagged, largest_nearby, ranks, strata, usable
from aurora_jax.certification.causal_tail_test import (
    conditional_test,
    design_effect,
    fit_null,
    signed_root,
    upper_probability,
    without,
)
from aurora_jax.core import Outcome


def test_lagged_values_by_hand():
    series = jnp.arange(5.0)[:, None]
    # Rows are bars 2, 3, 4; columns one and two bars before.
    np.testing.assert_array_equal(lagged(series, lags=2)[:, :, 0], [[1, 0], [2, 1], [3, 2]])


def test_exceedances_and_ranks_by_hand():
    series = jnp.asarray([[3.0], [9.0], [1.0], [9.0], [5.0]])
    np.testing.assert_array_equal(exceedances(series, tail_count=2)[:, 0], [False, True, False, True, False])
    # Three tie for the largest three places of two: none is above the third.
    np.testing.assert_array_equal(exceedances(series, tail_count=1)[:, 0], [False] * 5)
    np.testing.assert_allclose(ranks(series)[:, 0], np.array([1.5, 4.0, 0.5, 4.0, 2.5]) / 5)


def test_largest_nearby_looks_both_ways():
    rank = jnp.full((5, 1), 0.5).at[2, 0].set(0.9)
    expected = -np.log1p(-np.array([0.5, 0.9, 0.9, 0.9, 0.5]))
    np.testing.assert_allclose(largest_nearby(rank, lags=1)[:, 0], expected)


def test_strata_halve_what_is_left():
    found = np.asarray(strata(jnp.arange(64.0)))
    np.testing.assert_array_equal(found.sum(axis=0), [16, 8, 4, 2, 1, 1])
    assert found[:32].sum() == 0


def test_series_that_cannot_be_used_are_told_apart():
    series = np.random.default_rng(0).normal(size=(100, 4))
    series[3, 0] = np.nan
    series[:, 1] = 2.0
    series[:20, 2] = 50.0  # more ties at the top than places
    codes = usable(jnp.asarray(series), tail_count=10)
    assert [Outcome(int(code)) for code in codes] == [
        Outcome.NON_FINITE,
        Outcome.CONSTANT,
        Outcome.CONSTANT,
        Outcome.OK,
    ]


def test_causal_tail_coefficient_by_hand():
    # The two largest of x are at bars 1 and 3; a bar later y has ranks 5 and 3 of 5: mid-ranks .9 and .5.
    x = [0.0, 8.0, 1.0, 9.0, 2.0]
    y = [1.0, 2.0, 9.0, 0.0, 3.0]
    effects, errors = causal_tail_coefficients(jnp.asarray([x, y]).T, tail_count=2, lags=1, block_bars=1)
    assert float(effects[0, 1, 0]) == pytest.approx((0.9 + 0.7) / 2)
    # Both deviate by .1 from the mean: root of 2 * .01 over the two extremes.
    assert float(errors[0, 1, 0]) == pytest.approx(np.sqrt(0.02) / 2)


def test_design_effect_by_hand_and_by_the_bootstrap_that_it_replaces():
    # Blocks (1, 1), (-1, -1): sums 2 and -2, 8 over 4. The last bar has no block.
    assert float(design_effect(jnp.asarray([[1.0], [1.0], [-1.0], [-1.0], [7.0]]), block_bars=2)[0]) == 2.0
    assert float(design_effect(jnp.asarray([[1.0], [-1.0], [1.0], [-1.0]]), block_bars=2)[0]) == 1.0
    generator = np.random.default_rng(3)
    shock = generator.normal(size=640)
    series = shock + np.roll(shock, 1)
    sums = series.reshape(-1, 32).sum(axis=1)
    draws = generator.choice([-1.0, 1.0], size=(20_000, sums.size)) @ sums
    ratio = np.var(draws) / np.sum(series**2)
    found = float(design_effect(jnp.asarray(series)[:, None], block_bars=32)[0])
    assert abs(found / ratio - 1.0) < 4.0 * np.sqrt(2.0 / 20_000)


def test_signed_root_by_hand():
    found = signed_root(jnp.asarray([3.0, 0.0, 2.0]), jnp.asarray([1.0, 1.0, 2.0]), jnp.asarray([10.0, 10.0, 10.0]))
    high = np.sqrt(2 * (3 * np.log(3) + 7 * np.log(7 / 9)))
    np.testing.assert_allclose(found, [high, -np.sqrt(2 * 10 * np.log(10 / 9)), 0.0])
    np.testing.assert_allclose(upper_probability(found), scipy.stats.norm.sf(np.asarray(found)), rtol=1e-10)


def _drawn(seed, rows=1500):
    generator = np.random.default_rng(seed)
    control = generator.normal(size=rows)
    source = (generator.random(rows) < 0.1).astype(float)
    logit = -3.0 + 0.6 * control + 1.2 * source
    hit = (generator.random(rows) < 1.0 / (1.0 + np.exp(-logit))).astype(float)
    return hit, np.stack([np.ones(rows), control], axis=1), source


def test_null_fit_is_the_penalised_maximum():
    hit, columns, _ = _drawn(1)
    fit = fit_null(jnp.asarray(hit), jnp.asarray(columns))

    def loss(b):
        logit = columns @ b
        return -np.sum(hit * logit - np.logaddexp(0.0, logit)) + 0.5 * (1e-6 * b[0] ** 2 + b[1] ** 2)

    best = scipy.optimize.minimize(loss, np.zeros(2), tol=1e-12).x
    np.testing.assert_allclose(fit.residual, hit - 1.0 / (1.0 + np.exp(-columns @ best)), atol=1e-5)
    assert float(fit.gradient) < 1e-6


def test_alone_the_test_is_that_of_a_two_by_two_table():
    """With an intercept only, expected is K q, and the table's own variance lacks the factor 1 - K / n."""
    hit, columns, source = _drawn(2)
    constant = columns[:, :1]
    fit = fit_null(jnp.asarray(hit), jnp.asarray(constant))
    scores = without(jnp.asarray(source)[:, None], jnp.asarray(constant), fit.weight)
    found = conditional_test(
        fit, jnp.asarray(hit), jnp.asarray(source)[:, None], scores, jnp.zeros((hit.size, 1)), block_bars=1
    )
    observed, trials, share = hit @ source, source.sum(), hit.mean()
    root = float(signed_root(jnp.asarray([observed]), jnp.asarray([trials * share]), jnp.asarray([trials]))[0])
    assert float(found[0]) == pytest.approx(root / np.sqrt(1.0 - trials / hit.size), rel=1e-4)
    table = [[observed, trials - observed], [hit.sum() - observed, hit.size - trials - hit.sum() + observed]]
    g = scipy.stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert float(found[0]) ** 2 == pytest.approx(g, rel=0.05)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_given_a_control_the_test_is_the_logistic_likelihood_ratio(seed):
    from statsmodels.api import Logit

    hit, columns, source = _drawn(seed)
    fit = fit_null(jnp.asarray(hit), jnp.asarray(columns[:, :1]))
    scores = without(jnp.asarray(np.stack([source, columns[:, 1]], 1)), jnp.asarray(columns[:, :1]), fit.weight)
    # The control is a nuisance here, allowed for by the one step, and a column of the fit in the rival.
    found = conditional_test(
        fit, jnp.asarray(hit), jnp.asarray(source)[:, None], scores[:, :1], scores[:, 1:], block_bars=1
    )
    null = Logit(hit, columns).fit(disp=0).llf
    full = Logit(hit, np.column_stack([columns, source])).fit(disp=0).llf
    assert float(found[0]) == pytest.approx(np.sqrt(2.0 * (full - null)), rel=0.1)


def test_a_source_that_is_never_extreme_says_nothing():
    hit, columns, _ = _drawn(7)
    fit = fit_null(jnp.asarray(hit), jnp.asarray(columns))
    nothing = jnp.zeros((hit.size, 1))
    assert float(conditional_test(fit, jnp.asarray(hit), nothing, nothing, nothing, block_bars=8)[0]) == 0.0
