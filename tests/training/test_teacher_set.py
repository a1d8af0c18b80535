"""What a teacher learns from ends where its training period does, and what it is judged by starts after the embargo."""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Regime
from aurora_jax.data import DataError, split
from aurora_jax.signatures import robust_normalised, signature, with_time_and_lag
from aurora_jax.teacher import TeacherData
from aurora_jax.training import BlockLabels, label_blocks, read_volatility, teacher_set, windows_of
from aurora_jax.training.run import bits
from tests.data.bars import market

BARS, BLOCK, WINDOW, EMBARGO = 100, 16, 6, 5
CUTS = {"train_end": "2020-02-25", "validation_end": "2020-03-31", "embargo_bars": EMBARGO}  # days 55 and 90 of 100
FIRST, SECOND = 55, 90
SETTINGS: dict[str, Any] = {
    "block_bars": BLOCK,
    "window_bars": WINDOW,
    "channels": 2,
    "signature_depth": 2,
    "bandwidth_medians": 1.0,
    "embedding_size": 2,
    "width": 2,
    "depth": 0,
}


def prices(seed=0, assets=2):
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(0.01 * rng.standard_t(4, size=(BARS, assets)), axis=0))


def cut(close, **changes):
    periods = split(market(close), **CUTS)
    return teacher_set(jax.random.key(5), periods.train, periods.validation, **(SETTINGS | changes))


@pytest.fixture(autouse=True)
def _labels_that_see_everything(monkeypatch):
    """Labels that change with any return of a block; the true ones take seconds to compile, and see no more."""

    def label(returns, *, block_bars):
        blocks = returns.shape[0] // block_bars
        sums = np.abs(returns[: blocks * block_bars]).reshape(blocks, -1).sum(axis=1)
        regime = jnp.asarray((1e9 * sums).astype(int) % 3)
        return BlockLabels(jax.nn.one_hot(regime, 3), regime)

    monkeypatch.setattr(sys.modules[teacher_set.__module__], "label_blocks", label)  # the package has its name, too


@pytest.fixture(scope="module")
def close():
    return prices()


def disturbed(close, first, last):
    """Other prices in bars `first` up to but without `last`."""
    return np.concatenate([close[:first], 3.0 * prices(seed=9)[first:last], close[last:]])


def test_blocks_and_windows_are_the_markets_returns_in_order(close):
    """54 training returns hold 3 blocks of 16 and the reading after each; 29 held-out ones hold 1."""
    found = cut(close)
    returns = np.diff(np.log(close), axis=0)  # return i ends at bar i + 1
    training, held_out, windows = found.data.training, found.data.held_out, found.data.windows
    np.testing.assert_allclose(training.returns, returns[:48].reshape(3, BLOCK, 2), rtol=1e-5)
    after = FIRST + EMBARGO  # the first bar after the embargo; its own return would need an embargoed price
    np.testing.assert_allclose(held_out.returns, returns[after : after + BLOCK][None], rtol=1e-5)
    assert windows.returns.shape == (6, WINDOW, 2)  # two in each block, 4 bars of which are left out
    for place, first in enumerate([0, 6, 16, 22, 32, 38]):
        np.testing.assert_allclose(windows.returns[place], returns[first : first + WINDOW], rtol=1e-5)
        block, bar = divmod(first, BLOCK)
        np.testing.assert_array_equal(windows.log_volatility[place], training.smooth_log_volatility[block, bar])
        assert windows.regime[place] == training.regime[block]


@pytest.mark.parametrize(
    ("first", "last"),
    [(SECOND, BARS), (SECOND + EMBARGO, BARS), (FIRST, FIRST + EMBARGO)],
    ids=["test and its embargo", "test", "embargo of validation"],
)
def test_neither_test_nor_embargo_is_seen_at_all(close, first, last):
    assert bits(cut(disturbed(close, first, last))) == bits(cut(close))


def test_what_is_learnt_from_ends_with_the_training_period(close):
    """Other prices from the cut on: blocks, labels, windows, channels, bandwidth and start are the same to the bit."""
    one, other = cut(close), cut(disturbed(close, FIRST, BARS))
    assert bits(one.data._replace(held_out=None)) == bits(other.data._replace(held_out=None))  # pyright: ignore
    assert bits((one.start, one.training)) == bits((other.start, other.training))
    assert bits(one.data.held_out) != bits(other.data.held_out)
    # The comparison can fail: the last bar whose reading is used, 48 returns and one, is the 50th.
    last = cut(disturbed(close, 49, 50))
    assert bits(last.data.training) != bits(one.data.training)


def test_later_readings_are_in_the_units_of_the_training_period(close):
    """A held-out year of the same shape but twice the size reads log 2 higher."""
    periods = split(market(close), **CUTS)
    reading = read_volatility(periods.train)
    assert reading.cross_section is not None
    calm = read_volatility(periods.validation, reading).measure.log_volatility
    mean = np.asarray(reading.cross_section.mean, float)
    returns = np.diff(np.log(periods.validation.close), axis=0)
    louder = np.exp(np.cumsum(np.concatenate([np.zeros((1, 2)), mean + 2.0 * (returns - mean)]), axis=0))
    loud = read_volatility(market(louder), reading).measure.log_volatility
    np.testing.assert_allclose(loud - calm, np.log(2.0), atol=1e-4)
    deviation = np.std(np.diff(np.log(periods.train.close), axis=0), axis=0)
    np.testing.assert_allclose(reading.cross_section.deviation, deviation, rtol=1e-5)


def test_one_asset_with_a_range_is_read_off_it():
    """Ranges of a constant 2 %: the training period reads the same in each bar, one of 4 % reads log 2 more."""
    close = prices(assets=1)
    reading = read_volatility(market(close, spread=0.01))
    later = read_volatility(
        market(close, spread=np.sinh(2 * np.arctanh(0.01)) / np.cosh(2 * np.arctanh(0.01))), reading
    )
    assert reading.cross_section is None
    assert reading.measure.log_volatility.shape == (BARS - 1, 1)
    np.testing.assert_allclose(later.measure.log_volatility - reading.measure.log_volatility, np.log(2.0), atol=1e-3)
    assert later.reference_variance == reading.reference_variance


def test_the_bandwidth_is_that_of_the_training_windows(close):
    """Slow twin: all pairs of features, one after the other."""
    found = cut(close, bandwidth_medians=2.0)
    one = jax.jit(lambda path: signature(with_time_and_lag(path), depth=2))
    z = np.asarray(robust_normalised(jnp.stack([one(found.data.view(w)) for w in found.data.windows.returns])), float)
    z = z / np.sqrt(1.0 + (z / 8.0) ** 2)
    squares = [np.mean((z[i] - z[j]) ** 2) for i in range(len(z)) for j in range(i)]
    np.testing.assert_allclose(found.data.kernel.bandwidth, 2.0 * np.sqrt(np.median(squares)), rtol=1e-4)
    assert found.data.kernel.bandwidth.dtype == jnp.float32


def test_the_start_has_the_training_periods_moments(close):
    """L L' is the second moment of returns over their volatility, by a plain loop; the drift is their mean."""
    found = cut(close)
    returns = np.diff(np.log(close[:FIRST]), axis=0)
    reading = np.asarray(found.training.measure.log_volatility, float)[:, 0]
    smooth, calm = reading[0], np.zeros((2, 2))
    for now, r in zip(reading, returns, strict=True):
        smooth += (now - smooth) / 11.0
        calm += np.outer(r, r) * np.exp(-2.0 * smooth) / len(returns)
    scale = min(np.mean(returns**2) / (0.5 * np.trace(calm)), 1.5)
    for factor in np.asarray(found.start.by_regime().price_factor, float):
        np.testing.assert_allclose(factor @ factor.T, scale * calm, rtol=0.15, atol=1e-6)  # regimes differ a little
    drift = found.start.drift(jnp.zeros(1, jnp.float32), found.start.embedding[0])[:2]
    np.testing.assert_allclose(drift, returns.mean(axis=0), atol=0.1 * returns.std())  # what its network may add


def test_windows_by_hand():
    """2 blocks of 7 bars hold 2 windows of 3 each; the seventh bars are left out."""
    returns = jnp.arange(14.0).reshape(2, 7, 1)
    blocks = TeacherData(returns, jnp.zeros((2, 8, 1)), 10.0 * returns, jnp.array([2, 0]), jnp.asarray(0.0))
    found = windows_of(blocks, 3)
    np.testing.assert_array_equal(found.returns[:, :, 0], [[0, 1, 2], [3, 4, 5], [7, 8, 9], [10, 11, 12]])
    np.testing.assert_array_equal(found.log_volatility[:, 0], [0, 30, 70, 100])
    np.testing.assert_array_equal(found.regime, [2, 2, 0, 0])


@pytest.mark.parametrize("window", [1, 17])
def test_a_window_that_fits_no_block_is_refused(close, window):
    with pytest.raises(ValueError, match=f"window_bars must lie between 2 and the 16 bars of a block, was {window}"):
        cut(close, window_bars=window)


@pytest.mark.parametrize(("block", "name", "bars"), [(54, "training", 55), (29, "held-out", 30)])
def test_a_period_shorter_than_a_block_and_a_bar_is_refused(close, block, name, bars):
    with pytest.raises(DataError, match=f"toy: the {name} period holds {bars} bars, a block needs {block + 2}"):
        cut(close, block_bars=block)


@pytest.mark.slow  # compiles the families' likelihoods
def test_the_true_labels_see_a_block_and_no_more(close):
    returns = np.diff(np.log(close), axis=0)
    whole = label_blocks(returns, block_bars=BLOCK)
    for block in (0, 2):
        alone = label_blocks(returns[BLOCK * block : BLOCK * (block + 1)], block_bars=BLOCK)
        np.testing.assert_allclose(alone.weights[0], whole.weights[block], atol=1e-6)
        assert Regime(int(alone.regime[0])) in tuple(Regime)
