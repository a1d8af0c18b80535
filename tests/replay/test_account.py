import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.replay import Account, AccountRule, settle_account

FREE = AccountRule(commission=0.0, half_spread=0.0, borrow_per_year=0.0)


def holding(*positions):
    return Account.start(len(positions))._replace(positions=jnp.array(positions))


def test_the_first_trade_is_paid_and_earns_nothing():
    """From cash to 0.6 and 0.2 turns over 0.8 at 3 basis points."""
    account, earned, turnover = settle_account(
        AccountRule(), Account.start(2), jnp.array([0.5, -0.5]), positions=jnp.array([0.6, 0.2])
    )
    assert jnp.allclose(turnover, 0.8)
    assert jnp.allclose(earned, -0.8 * 3e-4)
    assert jnp.allclose(account.equity, 1.0 - 0.8 * 3e-4)


def test_positions_drift_before_they_are_traded():
    """0.5 each, returns +20 % and 0: gross 0.1; drift to 0.6 / 1.1 and 0.5 / 1.1; back to halves costs 0.1 / 1.1."""
    account, earned, turnover = settle_account(
        AccountRule(commission=0.01, half_spread=0.02),
        holding(0.5, 0.5),
        jnp.array([0.2, 0.0]),
        positions=jnp.array([0.5, 0.5]),
    )
    expected = (0.6 / 1.1 - 0.5) + (0.5 - 0.5 / 1.1)
    assert jnp.allclose(turnover, expected)
    assert jnp.allclose(earned, 0.1 - 0.03 * expected)
    assert jnp.allclose(account.equity, 1.1 - 0.03 * expected)


def test_letting_positions_drift_turns_nothing_over():
    held, returns = jnp.array([0.7, -0.2]), jnp.array([0.1, 0.05])
    drifted = held * (1.0 + returns) / (1.0 + jnp.dot(held, returns))
    assert settle_account(FREE, holding(0.7, -0.2), returns, positions=drifted)[2] < 1e-15


def test_shorts_pay_for_borrowing():
    """0.4 short for one of 252 bars a year at 5 %; the long side pays nothing."""
    rule = AccountRule(commission=0.0, half_spread=0.0, borrow_per_year=0.05)
    _, earned, _ = settle_account(rule, holding(1.0, -0.4), jnp.zeros(2), positions=jnp.array([1.0, -0.4]))
    assert jnp.allclose(earned, -0.05 * 0.4 / 252.0)


def test_equity_is_the_product_of_returns_and_drawdown_falls_from_its_peak():
    rng = np.random.default_rng(3)
    account, equity, peak = Account.start(3), 1.0, 1.0
    for _ in range(20):
        returns, positions = rng.normal(0, 0.05, 3), rng.normal(0.3, 0.2, 3)
        account, earned, _ = settle_account(
            AccountRule(), account, jnp.asarray(returns), positions=jnp.asarray(positions)
        )
        equity *= 1.0 + float(earned)
        peak = max(peak, equity)
        assert float(account.equity) == pytest.approx(equity, rel=1e-12)
        assert float(account.drawdown) == pytest.approx(1.0 - equity / peak, abs=1e-12)
    assert peak > equity
