"""Black's formula: closed forms, scipy's normal law, and the way back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from aurora_jax.stochastic.reference import black_call, implied_volatility

call = jax.jit(black_call)
with_slopes = jax.jit(jax.value_and_grad(black_call, (0, 1)))
volatility = jax.jit(
    lambda price, forward, strike, horizon: implied_volatility(price, forward=forward, strike=strike, horizon=horizon)
)


def test_at_the_money_by_hand():
    # F (2 Phi(sqrt(w) / 2) - 1)
    np.testing.assert_allclose(call(*map(jnp.asarray, (3.0, 3.0, 0.16))), 3.0 * (2 * norm.cdf(0.2) - 1), rtol=1e-13)


@pytest.mark.parametrize(("strike", "variance"), [(60.0, 0.04), (100.0, 0.3), (170.0, 1.2)])
def test_is_the_expectation_it_says(strike, variance):
    deviation = np.sqrt(variance)
    edge = (np.log(strike / 100.0) + 0.5 * variance) / deviation  # where the payoff starts
    payoff = quad(
        lambda z: (100.0 * np.exp(deviation * z - 0.5 * variance) - strike) * norm.pdf(z), edge, edge + 40, epsabs=1e-12
    )[0]
    np.testing.assert_allclose(call(*map(jnp.asarray, (100.0, strike, variance))), payoff, rtol=1e-9)


def test_without_variance_it_is_intrinsic_with_a_finite_slope():
    for strike, intrinsic in ((80.0, 20.0), (120.0, 0.0)):
        value, slopes = with_slopes(*map(jnp.asarray, (100.0, strike, 0.0)))
        np.testing.assert_allclose(value, intrinsic)
        np.testing.assert_allclose(slopes, (1.0, -1.0) if intrinsic else (0.0, 0.0))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 2.0), st.floats(-1.0, 1.0), st.floats(0.1, 5.0))
def test_implied_volatility_is_the_way_back(sigma, log_strike, horizon):
    strike = np.exp(sigma * np.sqrt(horizon) * 2.0 * log_strike)  # within two deviations: digits are left
    price = call(jnp.asarray(1.0), jnp.asarray(strike), jnp.asarray(sigma**2 * horizon))
    np.testing.assert_allclose(volatility(price, 1.0, strike, horizon), sigma, rtol=1e-7)


@pytest.mark.parametrize("price", [-0.1, 0.0, 0.19, 1.0, 2.0, float("nan")])
def test_an_impossible_price_is_refused(price):
    with pytest.raises(Exception, match="no volatility gives this price"):
        volatility(jnp.asarray(price), 1.0, 0.8, 1.0)


@pytest.mark.parametrize("name", ["forward", "strike", "horizon"])
def test_bad_contracts_are_refused(name):
    contract = {"forward": 1.0, "strike": 1.0, "horizon": 1.0, name: 0.0}
    with pytest.raises(ValueError, match=rf"{name} must lie in .*, was 0.0"):
        implied_volatility(jnp.asarray(0.1), **contract)
