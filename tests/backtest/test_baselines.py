"""Baselines: by hand, and against the account that a replay trades."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.backtest import buy_and_hold, equal_weight, equity_curve
from aurora_jax.replay import Account, AccountRule, settle_account

COST = 3e-4


@pytest.fixture(scope="module")
def returns():
    return 0.02 * np.random.default_rng(3).standard_normal((12, 3))


def test_by_hand():
    # Bar 1 buys (cost .01). Bar 2 earns .05; holdings drift to .55 / 1.05 and .5 / 1.05, and trading back to a half
    # each turns over 2 (.55 / 1.05 - .5) = 1 / 21.
    net = equal_weight(np.array([[9.0, 9.0], [0.1, 0.0]]), cost_per_turnover=0.01, rebalance_bars=1)
    np.testing.assert_allclose(net, [-0.01, 0.05 - 0.01 / 21.0], rtol=1e-12)


def test_buy_and_hold_is_the_mean_of_prices(returns):
    net = buy_and_hold(returns)
    mean_price = np.mean(np.cumprod(1.0 + returns[1:], axis=0), axis=1)
    np.testing.assert_allclose(equity_curve(net)[1:], mean_price, rtol=1e-12)


def test_settles_as_the_account_of_a_replay_does(returns):
    rule = AccountRule(commission=1e-4, half_spread=2e-4)
    account, expected = Account.start(3), []

    @jax.jit
    def settle(account, earned, restore):
        drifted = account.positions * (1.0 + earned) / (1.0 + jnp.dot(account.positions, earned))
        return settle_account(rule, account, earned, positions=jnp.where(restore, 1.0 / 3.0, drifted))

    for bar, earned in enumerate(returns):
        account, net, _ = settle(account, earned, bar % 5 == 0)
        expected.append(float(net))
    found = equal_weight(returns, cost_per_turnover=COST, rebalance_bars=5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_one_asset_is_never_traded_again(returns):
    one = returns[:, :1]
    net = equal_weight(one, cost_per_turnover=COST, rebalance_bars=2)
    np.testing.assert_allclose(net, np.concatenate([[-COST], one[1:, 0]]), atol=1e-15)
    np.testing.assert_array_equal(net, buy_and_hold(one, cost_per_turnover=COST))


def test_costs_only_cost(returns):
    free = equal_weight(returns, cost_per_turnover=0.0, rebalance_bars=3)
    dear = equal_weight(returns, cost_per_turnover=0.01, rebalance_bars=3)
    assert np.all(dear <= free)
    assert np.array_equal(np.flatnonzero(dear < free), [0, 3, 6, 9])


@pytest.mark.parametrize(
    ("returns", "kwargs", "message"),
    [
        (np.array([[-1.0]]), {"cost_per_turnover": 0.0}, "was -1.0"),
        (np.empty((0, 2)), {"cost_per_turnover": 0.0}, "shape"),
        (np.zeros((2, 1)), {"cost_per_turnover": -0.1}, "was -0.1"),
        (np.zeros((2, 1)), {"cost_per_turnover": 0.0, "rebalance_bars": 0}, "was 0"),
    ],
)
def test_refuses(returns, kwargs, message):
    with pytest.raises(ValueError, match=message):
        equal_weight(returns, **kwargs)
