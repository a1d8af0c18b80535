"""Laws that every feature obeys, whatever the market."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.bars import market
from tests.data.features.batch import ALL, BARS, all_features


def random_market(seed, *, still=0.0, volatility=0.02):
    """Four assets of heavy-tailed returns, a share `still` of which is exactly 0, with ranges and volumes."""
    rng = np.random.default_rng(seed)
    moves = volatility * rng.standard_t(2, size=(BARS, 4)).clip(-30, 30) * (rng.random((BARS, 4)) >= still)
    close = 10.0 ** rng.uniform(-6, 6, size=4) * np.exp(np.cumsum(moves, axis=0))
    open_ = close * np.exp(volatility * rng.normal(size=close.shape) * (rng.random(close.shape) >= still))
    high = np.maximum(open_, close) * np.exp(volatility * rng.exponential(size=close.shape))
    low = np.minimum(open_, close) * np.exp(-volatility * rng.exponential(size=close.shape))
    volume = np.floor(rng.lognormal(3, 3, size=close.shape) * (rng.random(close.shape) >= still))
    return market(close, open=open_, high=high, low=low, volume=volume)


def joined(first, second, bar):
    """Return `first` up to `bar` and `second` from there on."""
    tables = {
        name: np.concatenate([getattr(first, name)[:bar], getattr(second, name)[bar:]])
        for name in ("open", "high", "low", "close", "volume")
    }
    return market(tables.pop("close"), **tables)


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, other=seeds, bar=st.integers(1, BARS - 1))
def test_changing_the_future_never_changes_a_past_feature(seed, other, bar):
    past, future = random_market(seed), random_market(other)
    before, after = all_features(past), all_features(joined(past, future, bar))
    for name in ALL.names:
        np.testing.assert_array_equal(before[name][:bar], after[name][:bar], err_msg=name)
    if seed != other and bar >= ALL.warm_up_bars:  # the law is not empty: the present does change features
        assert any((before[name][bar] != after[name][bar]).any() for name in ALL.names)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, price=st.floats(1e-3, 1e3), volume=st.floats(1e-3, 1e3))
def test_units_of_price_and_volume_do_not_matter(seed, price, volume):
    data = random_market(seed)
    tables = {name: price * getattr(data, name) for name in ("open", "high", "low")}
    other = market(price * data.close, volume=volume * data.volume, **tables)
    before, after = all_features(data), all_features(other)
    for name in ALL.names:
        np.testing.assert_allclose(before[name], after[name], rtol=0, atol=1e-7, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, still=st.sampled_from([0.0, 0.5, 0.95, 1.0]), volatility=st.sampled_from([1e-12, 1e-4, 0.02, 0.5]))
def test_every_value_is_finite(seed, still, volatility):
    for name, values in all_features(random_market(seed, still=still, volatility=volatility)).items():
        assert np.isfinite(values).all(), name


@settings(max_examples=5, deadline=None)
@given(seed=seeds, order=st.permutations(range(4)))
def test_assets_do_not_see_each_other(seed, order):
    data = random_market(seed)
    tables = {name: getattr(data, name)[:, order] for name in ("open", "high", "low", "volume")}
    before, after = all_features(data), all_features(market(data.close[:, order], **tables))
    for name in ALL.names:
        np.testing.assert_allclose(before[name][:, order], after[name], rtol=0, atol=1e-11, err_msg=name)


@settings(max_examples=5, deadline=None)
@given(seed=seeds, other=seeds)
def test_windowed_features_forget(seed, other):
    """After their warm-up, all but the exponential averages depend on the last 64 bars only."""
    remembered = {"relative_strength", "macd", "macd_signal", "average_true_range"}
    # the joined market differs in its first 100 bars; the return into bar 100 does too, the last 64 returns do not
    data = random_market(seed)
    before, after = all_features(data), all_features(joined(random_market(other), data, 100))
    for name in set(ALL.names) - remembered:
        np.testing.assert_array_equal(before[name][164:], after[name][164:], err_msg=name)
