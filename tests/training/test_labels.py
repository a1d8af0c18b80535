import numpy as np
import pytest

from aurora_jax.core import Regime
from aurora_jax.router import family_weights
from aurora_jax.training import label_blocks


def garch(rng, bars):
    """Simulate strong volatility clustering: omega 0.05, alpha 0.3, beta 0.65."""
    returns, variance = np.zeros(bars), 1.0
    for t in range(bars):
        returns[t] = np.sqrt(variance) * rng.normal()
        variance = 0.05 + 0.3 * returns[t] ** 2 + 0.65 * variance
    return returns


def autoregression(rng, bars):
    returns = np.zeros(bars)
    for t in range(1, bars):
        returns[t] = 0.6 * returns[t - 1] + rng.normal()
    return returns


@pytest.fixture(scope="module")
def market():
    """Two assets, 256 bars of autoregression, then 256 of GARCH, then 100 that fill no block."""
    rng = np.random.default_rng(8)
    blocks = [np.stack([law(rng, 256) for _ in range(2)], axis=1) for law in (autoregression, garch)]
    return 0.01 * np.concatenate([*blocks, rng.normal(size=(100, 2))])


def test_each_block_is_named_after_its_law(market):
    labels = label_blocks(market, block_bars=256)
    assert labels.weights.shape == (2, 3)
    np.testing.assert_array_equal(labels.regime, [Regime.AR, Regime.GARCH])
    np.testing.assert_allclose(labels.weights.sum(axis=1), 1.0, rtol=1e-9)


def test_a_block_averages_its_assets(market):
    """Block by block and asset by asset, with nothing reshaped."""
    labels = label_blocks(market, block_bars=256)
    for block in range(2):
        assets = market[256 * block : 256 * (block + 1)].T
        np.testing.assert_allclose(labels.weights[block], family_weights(assets).weights.mean(axis=0), atol=1e-6)


def test_a_history_without_a_block_is_refused(market):
    with pytest.raises(ValueError, match="100 bars hold no block of 256: use a longer history"):
        label_blocks(market[:100], block_bars=256)
