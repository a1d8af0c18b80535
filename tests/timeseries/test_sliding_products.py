from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.timeseries import SlidingProducts


@partial(jax.jit, static_argnums=0)
def sums_of(sliding, values):
    return jax.lax.scan(sliding.step, sliding.init(), values)[1]


def by_hand(window, lags):
    columns = np.stack([window[lags - i : window.size - i] for i in range(lags + 1)], axis=1)
    return columns.sum(axis=0), columns.T @ columns


@pytest.mark.parametrize(("window_bars", "lags"), [(10, 3), (33, 5)])
def test_sums_are_those_of_the_window(key, window_bars, lags):
    """By adding up each window: whole ones, and before they are full with zeros in front."""
    values = np.array(jr.normal(stream(key, "sums"), (5 * window_bars,))) + 0.3
    found = sums_of(SlidingProducts(window_bars, lags), values)
    padded = np.concatenate([np.zeros(window_bars), values])
    for bar in range(values.size):
        window = padded[bar + 1 : bar + 1 + window_bars]
        expected, products = by_hand(window, lags)
        np.testing.assert_allclose(found.values[bar], expected, atol=1e-12)
        np.testing.assert_allclose(found.products[bar], products, atol=1e-12)
        np.testing.assert_array_equal(found.first[bar], window[:lags])


def test_a_window_worked_by_hand():
    # Of 1, ..., 6 with one lag: bars 2, ..., 6 and the ones before them.
    found = sums_of(SlidingProducts(6, 1), jnp.arange(1.0, 7.0))
    np.testing.assert_array_equal(found.values[-1], [20.0, 15.0])
    np.testing.assert_array_equal(found.products[-1], [[90.0, 70.0], [70.0, 55.0]])


@pytest.mark.bits
def test_nothing_of_a_spike_stays(key):
    """Bit for bit: once it has left the window, sums are those of a series that never had it."""
    values = np.array(jr.normal(stream(key, "spike"), (400,)))
    spiked = values.copy()
    spiked[200] = 1e12
    sliding = SlidingProducts(32, 5)
    plain, after = sums_of(sliding, values), sums_of(sliding, spiked)
    assert float(after.products[210, 0, 0]) > 1e23
    np.testing.assert_array_equal(after.products[232:], plain.products[232:])
    np.testing.assert_array_equal(after.values[232:], plain.values[232:])


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="lags must be at least 1, was 0"):
        SlidingProducts(32, 0)
    with pytest.raises(ValueError, match=r"at least 2 lags \+ 4 = 14 .* was 13"):
        SlidingProducts(13, 5)
