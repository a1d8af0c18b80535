"""Published prices by Monte Carlo, within the error of sampling and the bias that halving the step shows.

The sizes below keep the file below a minute of one core; docs/reference_prices.md has runs with more paths and steps.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.stochastic.reference import call_prices, implied_volatility
from tests.stochastic.reference import fourier
from tests.stochastic.reference.models import (
    BATES,
    HESTON,
    JUMPS,
    LOG_STRIKES,
    ROUGH_HESTON,
    bates,
    heston,
    rough_bergomi,
    rough_heston,
)

priced = jax.jit(call_prices, static_argnames=("steps", "batches", "batch_paths"))
BATCH = 4096


def _twin(parameters):
    """Rename the keyword arguments for the characteristic functions."""
    renamed = {name: value for name, value in parameters.items() if name != "volatility_of_variance"}
    return {**renamed, "vol_of_variance": parameters["volatility_of_variance"]}


def assert_prices(prices, expected, *, bias, spot):
    """Within 4 standard errors plus the stated bias of the steps; and the discounted price is a martingale."""
    expected = np.asarray(expected)
    gap, allowed = np.abs(prices.value - expected), 4.0 * np.asarray(prices.standard_error) + np.asarray(bias)
    assert np.all(gap <= allowed), f"{prices.value} is not {expected} within {allowed}"
    assert np.abs(prices.spot - spot) < 4.0 * prices.spot_error


def test_characteristic_functions_give_the_published_prices():
    """The twins are right before they judge: Broadie-Kaya's two prices and QuantLib's six."""
    contract = {"spot": 100.0, "strike": 100.0, "rate": 0.0319}
    smooth = fourier.lewis_call(lambda z: fourier.heston(z, horizon=1.0, **_twin(HESTON)), horizon=1.0, **contract)
    np.testing.assert_allclose(smooth, 6.80611, atol=5e-6)
    jumps = {"intensity": JUMPS["intensity"], "mean_jump": JUMPS["mean_jump"], "deviation": JUMPS["jump_deviation"]}

    def jumpy(z):
        return fourier.heston(z, horizon=5.0, **_twin(BATES)) * fourier.merton_jumps(z, horizon=5.0, **jumps)

    np.testing.assert_allclose(fourier.lewis_call(jumpy, horizon=5.0, **contract), 20.16415, atol=5e-6)
    rough = {name: value for name, value in _twin(ROUGH_HESTON).items() if name not in HESTON}
    rough = {**rough, "variance": 0.04, "reversion": 0.3, "correlation": -0.7}
    for strike, published in ((75.0, 25.762400), (100.0, 3.793313), (130.0, 0.001586)):
        price = fourier.lewis_call(
            lambda z: fourier.rough_heston(z, horizon=0.25, steps=256, **rough),
            spot=100.0, strike=strike, rate=0.03, horizon=0.25, nodes=128,
        )  # fmt: skip
        np.testing.assert_allclose(price, published, atol=2e-4)  # of 256 steps of Adams' method


@pytest.mark.slow
@pytest.mark.stat
def test_heston(key):
    prices = priced(heston(), key, strikes=jnp.array([100.0]), horizon=1.0, steps=32, batches=64, batch_paths=BATCH)
    # From 16 to 32 steps the price moves by .0007, its standard error .0018.
    assert_prices(prices, [6.80611], bias=0.003, spot=100.0)


@pytest.mark.slow
@pytest.mark.stat
def test_bates(key):
    prices = priced(bates(), key, strikes=jnp.array([100.0]), horizon=5.0, steps=80, batches=32, batch_paths=BATCH)
    # From 40 to 80 steps the price moves by .015, its standard error .008.
    assert_prices(prices, [20.16415], bias=0.015, spot=100.0)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize(
    ("horizon", "published", "bias"),
    [
        (0.25, (25.762400, 3.793313, 0.001586), (0.003, 0.012, 0.00003)),
        (1.0, (28.394103, 8.336634, 0.202295), (0.004, 0.022, 0.0035)),
    ],
)
def test_rough_heston(key, horizon, published, bias):
    # The bias falls like the step: from 32 to 64 steps prices move by (.001, .007, .000004) and (.002, .013, .0025).
    strikes = jnp.array([75.0, 100.0, 130.0])
    prices = priced(rough_heston(), key, strikes=strikes, horizon=horizon, steps=64, batches=32, batch_paths=BATCH)
    assert_prices(prices, published, bias=bias, spot=100.0)


@pytest.mark.slow
@pytest.mark.stat
def test_rough_bergomi(key):
    strikes, model = jnp.exp(jnp.asarray(LOG_STRIKES)), rough_bergomi()
    prices = priced(model, key, strikes=strikes, horizon=0.25, steps=256, batches=32, batch_paths=BATCH)
    assert np.abs(prices.spot - 1.0) < 4.0 * prices.spot_error

    @jax.jit
    @jax.vmap
    def volatility(price, strike):
        return implied_volatility(price, forward=1.0, strike=strike, horizon=0.25)

    value = volatility(prices.value, strikes)
    error = volatility(prices.value + prices.standard_error, strikes) - value
    # From 256 to 512 steps the volatilities move by at most this; the published ones have steps of their own.
    bias = np.array([0.0006, 0.0002, 0.0011])
    published = np.array([0.2961, 0.2061, 0.1576])
    assert np.all(np.abs(value - published) < 4.0 * error + bias), f"{value} +- {error}"
