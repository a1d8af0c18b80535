"""Every feature of a market in one batch of one shape, so that all tests share a compilation."""

import numpy as np

from aurora_jax.core import Columns
from aurora_jax.data import FeaturePipeline, batch_features, feature_names

BARS = 256
ALL = FeaturePipeline(feature_names(Columns(ohlc=True, volume=True)))


def all_features(data):
    """Return every feature by name, [bars, assets]."""
    values = np.asarray(batch_features(ALL, data.bars()))
    return {name: values[..., place] for place, name in enumerate(ALL.names)}


GROWTH = 0.002
"""Log return per bar of the steady asset of `toy_market`, and size of its zigzag."""


def assert_twin(values, twin, *, warm_up_bars, atol=1e-9):
    """Assert that a feature is 0 for exactly `warm_up_bars`, then what its slow twin says.

    The tolerance is absolute: features are of order one, and logarithms of sums of 63 terms lose 1e-13.
    """
    np.testing.assert_array_equal(values[:warm_up_bars], 0.0)
    assert np.all(np.isfinite(twin[warm_up_bars:]))
    np.testing.assert_allclose(values[warm_up_bars:], np.asarray(twin)[warm_up_bars:], rtol=0, atol=atol)
