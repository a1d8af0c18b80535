"""Equal volatility before tails are compared."""

import numpy as np
import pytest

from aurora_jax.backtest import same_volatility, tail_risk
from aurora_jax.core import Outcome


@pytest.fixture(scope="module")
def reference():
    return 0.01 * np.random.default_rng(4).standard_t(5, 400)


def test_holding_less_is_not_a_smaller_tail(reference):
    halved = same_volatility(0.5 * reference, reference)
    assert halved.factor == pytest.approx(2.0)
    np.testing.assert_allclose(halved.net_returns, reference, rtol=1e-12)
    assert tail_risk(halved.net_returns).expected_shortfall == pytest.approx(tail_risk(reference).expected_shortfall)


def test_volatility_is_the_reference_s(reference):
    other = 0.003 + 0.02 * np.random.default_rng(5).standard_normal(400)
    scaled = same_volatility(other, reference)
    assert np.std(scaled.net_returns, ddof=1) == pytest.approx(np.std(reference, ddof=1), rel=1e-12)
    assert scaled.outcome is Outcome.OK


def test_what_never_traded_cannot_be_scaled(reference):
    found = same_volatility(np.zeros(400), reference)
    assert (found.factor, found.outcome) == (1.0, Outcome.CONSTANT)
    np.testing.assert_array_equal(found.net_returns, 0.0)
    assert same_volatility(reference, np.zeros(400)).outcome is Outcome.CONSTANT


def test_refuses_other_bars(reference):
    with pytest.raises(ValueError, match="400 and 399"):
        same_volatility(reference, reference[1:])
