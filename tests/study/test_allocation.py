"""The walk-forward: covariance and least variance by other libraries, the account by hand, choices that cannot peek."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from aurora_jax.backtest import equal_weight, tail_risk
from aurora_jax.core import Outcome
from aurora_jax.study import (
    Account,
    Bounds,
    Measured,
    account_difference,
    allocation_rules,
    allocation_targets,
    compare_rules,
    decision_bars,
    follow_weights,
    greatest_sharpe,
    known_at,
    least_shortfall,
    ledoit_wolf,
    minimum_variance,
    robust_name,
    rule_names,
    score_account,
    window_frontier,
)

ASSETS = 5


def returns(bars=130, seed=0):
    rng = np.random.default_rng(seed)
    return 0.01 * (rng.standard_t(5, size=(bars, ASSETS)) * np.linspace(0.5, 1.5, ASSETS) + rng.normal(size=(bars, 1)))


def test_shrinkage_is_that_of_scikit_learn():
    np.testing.assert_allclose(ledoit_wolf(returns()), LedoitWolf().fit(returns()).covariance_, rtol=1e-10)
    few = returns(bars=4)  # fewer bars than assets: the sample covariance is singular
    np.testing.assert_allclose(ledoit_wolf(few), LedoitWolf().fit(few).covariance_, rtol=1e-10)


def test_least_variance_in_closed_form_and_on_its_bounds():
    covariance = ledoit_wolf(returns())
    inverse = np.linalg.solve(covariance, np.ones(ASSETS))
    wide = minimum_variance(covariance, lower=-9.0, upper=9.0)
    np.testing.assert_allclose(wide, inverse / inverse.sum(), atol=1e-6)
    narrow = minimum_variance(covariance, lower=0.1, upper=0.25)
    assert narrow.sum() == pytest.approx(1.0, abs=1e-8)
    assert narrow.min() == pytest.approx(0.1, abs=1e-6)
    assert narrow.max() == pytest.approx(0.25, abs=1e-6)
    assert narrow @ covariance @ narrow > wide @ covariance @ wide
    with pytest.raises(ArithmeticError, match=r"0\.0 and 0\.1"):
        minimum_variance(covariance, lower=0.0, upper=0.1)


def test_a_decision_sees_its_own_bar_and_none_after_it():
    table = returns(bars=40)
    for bar in decision_bars(40, window_bars=8, rebalance_bars=5):
        window = known_at(bar, table, window_bars=8)
        assert window.shape == (8, ASSETS)
        np.testing.assert_array_equal(window[-1], table[bar])
        later = table.copy()
        later[bar + 1 :] = 9.0
        np.testing.assert_array_equal(known_at(bar, later, window_bars=8), window)


def test_account_by_hand():
    """Buy (1/2, 1/2) at bar 1 for 1 %; up 10 % and down 10 % then: drift to (.55, .45), at no gain; sell to (0, 1)."""
    table = np.array([[9.0, 9.0], [9.0, 9.0], [0.1, -0.1], [0.2, 0.1]])
    account = follow_weights(table, np.array([1, 2]), np.array([[0.5, 0.5], [0.0, 1.0]]), cost_per_turnover=0.01)
    np.testing.assert_allclose(account.turnover, [1.0, 1.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(account.net_returns, [-0.01, -0.011, 0.1], atol=1e-12)


def test_account_of_equal_weights_is_the_backtest_of_them():
    table = returns()
    decisions = decision_bars(len(table), window_bars=1, rebalance_bars=7)
    weights = np.full((decisions.size, ASSETS), 1 / ASSETS)
    followed = follow_weights(table, decisions, weights, cost_per_turnover=1e-3)
    expected = equal_weight(table, cost_per_turnover=1e-3, rebalance_bars=7)
    np.testing.assert_allclose(followed.net_returns, expected, atol=1e-14)


def test_decisions_see_a_full_window_and_leave_a_bar_to_hold():
    assert decision_bars(12, window_bars=5, rebalance_bars=3).tolist() == [4, 7, 10]
    assert decision_bars(11, window_bars=5, rebalance_bars=3).tolist() == [4, 7]
    with pytest.raises(ValueError, match="needs 6 returns, were 5"):
        decision_bars(5, window_bars=5, rebalance_bars=3)


MULTIPLES = (0.0, 1.0, 1e4)


@pytest.fixture(scope="module")
def wanted():
    previous = np.full((3, ASSETS), 1 / ASSETS)
    return allocation_targets(returns(), MULTIPLES, Bounds(0.0, 0.5), previous, tail_probability=0.1)


def test_rules_are_what_their_names_say(wanted):
    assert rule_names(MULTIPLES) == ["CVaR (radius 0)", "DRO-ES 1", "DRO-ES 10000", "least variance", "equal weight"]
    assert wanted.weights.shape == (5, ASSETS)
    np.testing.assert_allclose(wanted.weights.sum(axis=1), 1.0, atol=1e-8)
    shortfalls = [tail_risk(returns() @ weights, tail_probability=0.1).expected_shortfall for weights in wanted.weights]
    assert min(shortfalls) == shortfalls[0]  # on the window itself nothing beats the plain CVaR portfolio
    assert shortfalls[0] < shortfalls[1] < shortfalls[2]
    np.testing.assert_allclose(wanted.weights[2], wanted.weights[4], atol=1e-3)  # a wide ball leaves equal weight
    variances = [weights @ ledoit_wolf(returns()) @ weights for weights in wanted.weights]
    assert min(variances) == variances[3]
    assert wanted.outcomes == (Outcome.OK,) * 3
    assert wanted.repaired == 0
    assert wanted.largest_gap < 1e-8


def test_what_did_not_converge_is_asked_of_the_fallback(wanted, monkeypatch):
    solve = allocation_rules._frontier

    def gives_up_at_the_second(*arguments):
        radii, found = solve(*arguments)
        outcome = found.outcome.at[1].set(int(Outcome.NOT_CONVERGED))
        return radii, found._replace(outcome=outcome, weights=found.weights.at[1].set(1.0 / ASSETS))

    monkeypatch.setattr(allocation_rules, "_frontier", gives_up_at_the_second)
    previous = np.full((3, ASSETS), 1 / ASSETS)
    mended = allocation_targets(returns(), MULTIPLES, Bounds(0.0, 0.5), previous, tail_probability=0.1)
    np.testing.assert_allclose(mended.weights, wanted.weights, atol=1e-6)
    assert mended.outcomes == wanted.outcomes
    assert mended.repaired == 1


@pytest.mark.stat
def test_scores_are_the_backtests_with_errors_that_shrink_as_the_root_of_time():
    rng = np.random.default_rng(2)
    long, short = 0.01 * rng.normal(size=6400), 0.01 * rng.normal(size=400)
    told = {
        size: score_account(Account(net, np.full(net.size, 0.02)), seed=0, resamples=199)
        for size, net in ((6400, long), (400, short))
    }
    expected = tail_risk(long, tail_probability=0.05).expected_shortfall
    assert told[6400]["shortfall"].value == pytest.approx(expected)
    assert told[6400]["turnover"].value == pytest.approx(252 * 0.02)
    assert told[6400]["turnover"].standard_error == pytest.approx(0.0, abs=1e-12)
    # The Sharpe ratio of white noise over T years has a standard error of 1 / sqrt(T).
    assert told[6400]["sharpe"].standard_error == pytest.approx(np.sqrt(252 / 6400), rel=0.25)
    assert 2.5 < told[400]["sharpe"].standard_error / told[6400]["sharpe"].standard_error < 6.0


def test_a_difference_keeps_what_accounts_share():
    rng = np.random.default_rng(3)
    common = 0.01 * rng.standard_t(4, size=1500)
    own = common + 1e-4 * rng.normal(size=1500)
    gap = account_difference(own, common, seed=0, resamples=199)
    alone = score_account(Account(own, 0 * own), seed=0, resamples=199)
    assert gap["shortfall"].standard_error < 0.1 * alone["shortfall"].standard_error
    none = account_difference(common, common, seed=0, resamples=99)
    assert none["sharpe"] == Measured(0.0, 0.0)


def test_choices_by_the_earlier_period():
    def told(shortfall, sharpe):
        return {"shortfall": Measured(shortfall, 1.0), "sharpe": Measured(sharpe, 1.0)}

    scores = {"a": told(0.03, 0.5), "b": told(0.02, 0.1), "c": told(0.01, 9.0)}
    assert least_shortfall(scores, ["a", "b"]) == "b"  # only among those named
    assert greatest_sharpe(scores, ["a", "b"]) == "a"


def test_the_rule_is_chosen_by_the_earlier_bars_only():
    """`b` loses less before, `a` where reported: `b` is chosen, and its difference there is told."""
    rng = np.random.default_rng(5)
    reported = np.arange(800) >= 400
    noise = 0.01 * rng.normal(size=800)
    nets = {"a": np.where(reported, 1.0, 2.0) * noise, "b": np.where(reported, 2.0, 1.0) * noise, "rival": 3.0 * noise}
    accounts = {name: Account(net, np.where(reported, 0.1, 0.0)) for name, net in nets.items()}
    told = compare_rules(accounts, ["a", "b"], reported, seed=0, resamples=99)
    assert told["chosen"]["shortfall"] == "b"
    assert list(told["differences"]) == ["a", "rival"]
    earlier, later = (
        tail_risk(noise[days], tail_probability=0.05).expected_shortfall for days in (~reported, reported)
    )
    assert told["periods"]["earlier"]["a"]["shortfall"].value == pytest.approx(2.0 * earlier)
    assert told["periods"]["reported"]["a"]["turnover"].value == pytest.approx(25.2)
    assert told["differences"]["a"]["shortfall"].value == pytest.approx(later)  # 2 - 1 times that of the noise
    assert told["differences"]["rival"]["shortfall"].value == pytest.approx(-later)


def test_the_frontier_of_a_window_starts_at_the_plain_portfolio():
    bounds = Bounds(0.0, 0.5)
    radii, found = window_frontier(returns(), np.array([0.0, 1.0, 2.0]), bounds, tail_probability=0.1)
    equal = tail_risk(returns() @ np.full(ASSETS, 1 / ASSETS), tail_probability=0.1).expected_shortfall
    np.testing.assert_allclose(radii, [0.0, 0.1 * equal, 0.2 * equal], rtol=1e-9)
    assert found.weights.shape == (3, ASSETS)
    assert np.all(np.diff(found.worst_case_es) > 0.0)


def test_weights_earn_nothing_at_the_bar_that_chose_them():
    table, weights = returns(), np.full((1, ASSETS), 1 / ASSETS)
    net = follow_weights(table, np.array([40]), weights, cost_per_turnover=0.0).net_returns
    assert net.size == len(table) - 40
    assert net[0] == 0.0
    assert net[1] == pytest.approx(table[41].mean(), abs=1e-15)


@pytest.mark.parametrize(("multiple", "name"), [(0.0, "CVaR (radius 0)"), (0.1, "DRO-ES 0.1"), (3.0, "DRO-ES 3")])
def test_a_rule_is_named_by_its_radius(multiple, name):
    assert robust_name(multiple) == name
