"""Performance: by hand, against skfolio, and by laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skfolio import measures

from aurora_jax.backtest import drawdowns, equity_curve, performance

RETURNS = arrays(float, st.integers(2, 40), elements=st.integers(-200, 200).map(lambda mills: mills / 1000))


@pytest.fixture(scope="module")
def returns():
    draws = np.random.default_rng(7).standard_t(4, 501)
    return 0.0004 + 0.01 * draws


def test_by_hand():
    # Equity 1.1, 0.88, 0.968, 0.968: from the peak 1.1 the account fell by a fifth.
    found = performance(np.array([0.1, -0.2, 0.1, 0.0]), bars_per_year=4)
    assert found.final_equity == pytest.approx(0.968)
    assert found.annual_return == pytest.approx(-0.032)
    assert found.max_drawdown == pytest.approx(0.2)
    assert found.calmar == pytest.approx(-0.16)
    assert found.sharpe == 0.0  # the mean is 0
    assert found.annual_volatility == pytest.approx(2.0 * np.sqrt(0.06 / 3.0))
    assert found.hit_ratio == pytest.approx(2.0 / 3.0)  # the bar of cash is neither hit nor miss
    assert found.expected_shortfall_95 == pytest.approx(0.2)
    assert found.var_95 == 0.2
    assert found.undefined == ()


def test_ratios_by_hand():
    found = performance(np.array([0.03, -0.01]), bars_per_year=100)
    assert found.sharpe == pytest.approx(10.0 * 0.01 / (0.02 * np.sqrt(2.0)))
    assert found.sortino == pytest.approx(10.0 * 0.01 / np.sqrt(0.5e-4))
    assert found.annual_return == pytest.approx((1.03 * 0.99) ** 50 - 1.0)


def test_agrees_with_skfolio(returns):
    found = performance(returns)
    wealth = measures.get_drawdowns(returns, compounded=True)
    downside = measures.semi_deviation(returns, min_acceptable_return=0.0, biased=True)
    assert found.max_drawdown == pytest.approx(measures.max_drawdown(wealth), rel=1e-12)
    assert found.expected_shortfall_95 == pytest.approx(measures.cvar(returns, beta=0.95), rel=1e-12)
    assert found.var_95 == pytest.approx(measures.value_at_risk(returns, beta=0.95), rel=1e-12)
    assert found.annual_volatility == pytest.approx(measures.standard_deviation(returns) * 252**0.5, rel=1e-12)
    assert found.sortino == pytest.approx(measures.mean(returns) / downside * 252**0.5, rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.001])
def test_without_volatility_a_ratio_is_0_and_says_so(constant):
    found = performance(np.full(30, constant))
    assert found.sharpe == 0.0
    assert {"sharpe", "sortino", "calmar"} <= set(found.undefined)
    assert ("hit_ratio" in found.undefined) == (constant == 0.0)
    assert np.all(np.isfinite(found[:10]))


def test_variation_by_rounding_is_none():
    found = performance(np.array([0.3, 0.1 + 0.2] * 10))  # 0.1 + 0.2 is 0.30000000000000004
    assert found.annual_volatility == found.sharpe == 0.0
    assert "sharpe" in found.undefined


def test_an_account_that_lost_everything_stays_lost():
    found = performance(np.array([0.1, -1.5, 0.5]))
    assert found.final_equity == 0.0
    assert found.annual_return == -1.0
    assert found.max_drawdown == 1.0


@settings(max_examples=40, deadline=None)
@given(RETURNS, st.sampled_from([0.25, 0.5]))
def test_laws_of_scaling(returns, factor):
    # A power of two scales exactly: ratios of moments stay, risks scale.
    full, part = performance(returns), performance(factor * returns)
    assert part.sharpe == pytest.approx(full.sharpe, rel=1e-9)
    assert part.sortino == pytest.approx(full.sortino, rel=1e-9)
    assert part.hit_ratio == full.hit_ratio
    assert part.annual_volatility == pytest.approx(factor * full.annual_volatility, rel=1e-9)
    assert part.max_drawdown <= full.max_drawdown + 1e-12
    assert np.all(np.isfinite(full[:10]))


@settings(max_examples=40, deadline=None)
@given(RETURNS)
def test_drawdown_lies_between_0_and_1_and_vanishes_at_a_peak(returns):
    depth, equity = drawdowns(returns), equity_curve(returns)
    assert np.all((depth >= 0.0) & (depth <= 1.0))
    assert depth[np.argmax(equity)] == 0.0 or equity.max() < 1.0


def test_a_loss_on_the_first_bar_is_a_drawdown():
    np.testing.assert_allclose(drawdowns(np.array([-0.1, 0.2])), [0.1, 0.0], atol=1e-15)


@pytest.mark.parametrize(
    ("returns", "kwargs", "message"),
    [
        ([0.1], {}, "held 1"),
        ([0.1, np.nan], {}, "was nan"),
        ([0.1, 0.2], {"bars_per_year": 0}, "was 0"),
    ],
)
def test_refuses(returns, kwargs, message):
    with pytest.raises(ValueError, match=message):
        performance(np.array(returns), **kwargs)
