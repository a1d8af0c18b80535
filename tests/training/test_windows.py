from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.data import FeaturePipeline, batch_features, fit_standardiser, load_packaged
from aurora_jax.student import fit_trailing
from aurora_jax.training import close_bars, cut, last_bars, path_inputs, real_inputs

FEATURES = ("return_1", "volatility_10", "drawdown")


@pytest.fixture(scope="module")
def market():
    data = load_packaged("us20").select(("AAPL", "JPM")).rows(0, 200)
    pipeline = FeaturePipeline(FEATURES)
    standardiser = fit_standardiser(np.asarray(batch_features(pipeline, data.bars()))[64:])
    return data, (pipeline, standardiser, fit_trailing(jnp.asarray(data.log_returns())))


@pytest.fixture(scope="module")
def inputs(market):
    data, parts = market
    return real_inputs(data, *parts)


def test_real_inputs_are_features_and_returns_of_the_same_bar(market, inputs):
    data, (pipeline, standardiser, trailing) = market
    features = standardiser.apply(batch_features(pipeline, data.bars()))
    np.testing.assert_array_equal(inputs.features, np.asarray(features, np.float32))
    assert inputs.standard_returns.shape == (200, 2)
    assert inputs.whitening.shape == (200, 2, 2)
    assert {part.dtype for part in inputs[:3]} == {np.dtype(np.float32)}
    assert inputs.observed is None
    # The first bar has no return. The second is standardised by what was known before it.
    assert not inputs.standard_returns[0].any()
    decay = 0.5 ** (1 / 11)
    expected = data.log_returns()[0] / np.sqrt(decay * np.asarray(trailing.base_variance))
    np.testing.assert_allclose(inputs.standard_returns[1], expected, rtol=1e-5)


def test_simulated_paths_are_prepared_as_real_history_is(market, inputs):
    """The same closes by the other way; a price level does not matter, and paths do not mix."""
    data, parts = market
    log_price = jnp.log(jnp.asarray(data.close))
    paths = path_inputs(jnp.stack([log_price + 3.0, log_price[::-1]]), *parts)
    for found, expected in zip(paths[:3], inputs[:3], strict=True):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found[0], expected, rtol=2e-4, atol=2e-5)
    assert not np.allclose(paths.features[1], inputs.features)


def test_windows_start_where_they_should(inputs):
    """Bars 64..199 in windows of 32 every 50: starts 64, 114, 164; the last window ends with bar 195."""
    found = cut(inputs, start=64, length_bars=32, stride_bars=50)
    for window, part in zip(found[:3], inputs[:3], strict=True):
        np.testing.assert_array_equal(window, np.stack([part[i : i + 32] for i in (64, 114, 164)]))


def test_the_last_bar_of_a_window_is_the_right_date(market, inputs):
    data, _ = market
    found = cut(inputs, start=64, length_bars=32, stride_bars=1)
    assert len(found[0]) == 200 - 64 - 32 + 1
    np.testing.assert_array_equal(found[0][-1, -1], inputs.features[len(data.times) - 1])
    np.testing.assert_array_equal(found[1][0, -1], inputs.standard_returns[64 + 32 - 1])


def test_last_bars_end_with_the_path(market):
    data, parts = market
    paths = path_inputs(jnp.log(jnp.asarray(data.close))[None], *parts)
    for window, part in zip(last_bars(paths, length_bars=30)[:3], paths[:3], strict=True):
        np.testing.assert_array_equal(window, np.asarray(part)[:, 170:])


def test_windows_longer_than_history_are_refused(inputs):
    with pytest.raises(ValueError, match=r"length_bars must lie in \[1, 136\], .* was 137"):
        cut(inputs, start=64, length_bars=137, stride_bars=1)
    paths = type(inputs)(*(part[None] for part in inputs[:3]))
    with pytest.raises(ValueError, match=r"length_bars must lie in \[1, 200\], the bars of a path, was 201"):
        last_bars(paths, length_bars=201)


def test_close_bars_have_closes_and_times_alone():
    bars = close_bars(jnp.ones((4, 2)))
    assert bars.columns == (False, False)
    np.testing.assert_array_equal(bars.time, [0, 1, 2, 3])
    assert not bars.imputed.any()


def test_a_missing_bar_is_told_and_taken_for_nothing(market, inputs):
    """The asset's variance waits for its next bar; before the gap nothing has changed."""
    data, parts = market
    imputed = np.zeros_like(data.imputed)
    imputed[120, 1] = True
    close = np.where(imputed, data.close[119], data.close)
    gapped = real_inputs(replace(data, close=close, imputed=imputed), *parts)
    np.testing.assert_array_equal(gapped.observed, ~imputed)
    np.testing.assert_array_equal(gapped.standard_returns[:120], inputs.standard_returns[:120])
    after, moved = gapped.standard_returns[121, 1], np.log(data.close[121, 1] / data.close[119, 1])
    size = data.log_returns()[119, 1] / inputs.standard_returns[120, 1]  # what bar 120 was measured in
    np.testing.assert_allclose(after, moved / size, rtol=1e-5)
    assert cut(gapped, start=64, length_bars=64, stride_bars=64).observed.sum() == 2 * 2 * 64 - 1
