"""Starts: a history's last bars in the units of the training period, by name, off ranges where training read those."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from aurora_jax.core import Regime
from aurora_jax.engine import save_teacher, save_units
from aurora_jax.explain import Shock, start_from, what_if
from aurora_jax.teacher import known_before, reference_teacher
from aurora_jax.training import read_volatility, units_of
from tests.data.bars import market


def walk(seed, assets, bars=400, size=0.01):
    return size * np.random.default_rng(seed).standard_t(5, (bars, assets))


def prices(returns, names):
    return pd.DataFrame(100.0 * np.exp(np.cumsum(returns, axis=0)), columns=names)


def closes(returns, *names, **shape):
    return market(prices(returns, list(names)).to_numpy(), assets=names, **shape)


def ranges(returns, name):
    """A market whose bars' ranges are three times its returns, so that both tell the same of its volatility."""
    close = prices(returns, [name]).to_numpy()
    return market(close, assets=[name], spread=np.tanh(1.5 * np.abs(returns)))


@pytest.fixture(scope="module")
def trained():
    return units_of(closes(walk(1, 2), "X", "Y"))


@pytest.fixture(scope="module")
def single():
    return reference_teacher(1)


def test_a_market_twice_as_volatile_all_along_starts_log_2_higher(teacher, trained):
    """In the training's units. In a history's own, which is what is left without them, both start alike."""
    calm, wild = walk(2, 2), 2.0 * walk(2, 2) - np.mean(walk(1, 2)[1:], axis=0)  # twice the distance from its mean
    starts = [start_from(teacher, prices(one, ["X", "Y"]), units=trained) for one in (calm, wild)]
    assert starts[0].in_training_units
    assert starts[0].names == ("X", "Y")
    np.testing.assert_allclose(starts[1].log_volatility - starts[0].log_volatility, np.log(2.0), atol=1e-6)
    own = [start_from(teacher, prices(one, ["X", "Y"])) for one in (calm, 2.0 * calm)]
    assert not own[0].in_training_units
    np.testing.assert_allclose(own[1].log_volatility, own[0].log_volatility, atol=1e-9)


def test_a_start_is_what_training_would_have_known(teacher, trained):
    """The same history read and smoothed by the training's own functions."""
    history = closes(walk(3, 2, size=0.03), "X", "Y")
    reading = read_volatility(history, read_volatility(closes(walk(1, 2), "X", "Y")))
    expected = known_before(reading.measure.log_volatility)[-1]
    found = start_from(teacher, history, units=trained)
    np.testing.assert_allclose(found.log_volatility, expected, atol=1e-5)
    assert found.log_volatility[0] > 0.7


def test_todays_volatility_is_that_of_the_last_bars(teacher, trained):
    """The last month four times as volatile as the years before: the start is near log 4 above."""
    returns = walk(5, 2, bars=1000)
    returns[-30:] *= 4.0
    start = start_from(teacher, prices(returns, ["X", "Y"]), units=trained, regimes=["AR", "GARCH"])
    assert start.regimes == (Regime.AR, Regime.GARCH)
    assert 0.6 < start.log_volatility.sum() < 1.7
    settings = {"horizon": 2, "paths": 600, "seed": 3}
    calm, wild = (what_if(teacher, Shock(), start=one, **settings) for one in (None, start))
    assert np.std(wild.base.value[:, 1]) > 1.5 * np.std(calm.base.value[:, 1])
    assert wild.start == start


def test_columns_are_known_by_name(teacher, trained):
    """In another order they are put in the teacher's; other assets are refused, whatever their number."""
    table = prices(np.array([1.0, 3.0]) * walk(2, 2), ["X", "Y"])
    one, other = (start_from(teacher, each, units=trained) for each in (table, table[["Y", "X"]]))
    assert other.names == ("X", "Y")
    np.testing.assert_array_equal(one.log_volatility, other.log_volatility)
    with pytest.raises(ValueError, match="prices hold Z in place of Y: name each column after"):
        start_from(teacher, table.rename(columns={"Y": "Z"}), units=trained)


def test_units_lie_beside_the_teacher(teacher, trained, tmp_path):
    table = prices(walk(2, 2, size=0.03), ["X", "Y"])
    save_teacher(teacher, tmp_path)
    assert not start_from(tmp_path, table).in_training_units
    save_units(trained, tmp_path)
    found = start_from(tmp_path, table)
    assert found.in_training_units
    np.testing.assert_allclose(found.log_volatility, start_from(teacher, table, units=trained).log_volatility)
    answer = what_if(tmp_path, Shock(), horizon=1, paths=300, seed=0, start=table)
    assert answer.start.in_training_units
    np.testing.assert_allclose(answer.start.log_volatility, found.log_volatility)


def test_one_asset_is_read_off_its_ranges_as_in_training(single):
    """As training reads it, in its units; a table of prices does as well as the market."""
    units, returns = units_of(ranges(walk(1, 1), "X")), walk(2, 1, size=0.02)
    assert units.reference_variance is not None
    history = ranges(returns, "X")
    reading = read_volatility(history, read_volatility(ranges(walk(1, 1), "X")))
    expected = np.asarray(known_before(reading.measure.log_volatility)[-1], float)
    table = pd.DataFrame({"High": history.high[:, 0], "Low": history.low[:, 0], "Close": history.close[:, 0]})
    for one in (history, table):
        found = start_from(single, one, units=units)
        assert found.names == ("X",)
        np.testing.assert_allclose(found.log_volatility, expected, atol=1e-5)
    # Twice the range alone, the closes as they were: only who reads ranges can tell.
    wider = table.assign(High=table["Low"] * (table["High"] / table["Low"]) ** 2)
    found = start_from(single, wider, units=units)
    np.testing.assert_allclose(found.log_volatility - expected, np.log(2.0), atol=1e-3)
    assert start_from(single, wider).log_volatility != start_from(single, wider[["Close"]]).log_volatility


def test_what_lacks_ranges_or_was_not_trained_on_them_is_read_off_closes(single):
    returns = walk(2, 1, size=0.02)
    history = ranges(returns, "X")
    closing = prices(returns, ["X"])
    on_ranges, on_closes = units_of(ranges(walk(1, 1), "X")), units_of(closes(walk(1, 1), "X"))
    assert on_closes.reference_variance is None
    np.testing.assert_array_equal(on_ranges.cross_section.deviation, on_closes.cross_section.deviation)
    expected = start_from(single, closing, units=on_closes).log_volatility
    for one, units in ((closing, on_ranges), (history, on_closes)):
        np.testing.assert_allclose(start_from(single, one, units=units).log_volatility, expected, atol=1e-9)
    assert expected > start_from(single, closing).log_volatility + 0.5  # twice the training's volatility all along


@pytest.mark.parametrize("change", ["columns", "short", "gap", "range"])
def test_histories_that_do_not_fit_are_refused(teacher, single, change):
    table = pd.DataFrame(100.0 + np.arange(200.0).reshape(100, 2), columns=["X", "Y"])
    bars = pd.DataFrame({"high": table["X"], "low": table["Y"], "close": table["X"]})
    model, broken, message = {
        "columns": (teacher, table[["X"]], "must have 2 columns, one for each of the teacher.s assets, had 1"),
        "short": (teacher, table.iloc[:60], "more than 60 bars, held 60"),
        "gap": (teacher, table.drop(index=50).reindex(table.index), "'X' is not"),
        "range": (single, bars, "the high of bar 0 is below its low"),
    }[change]
    with pytest.raises(ValueError, match=message):
        start_from(model, broken)


def test_readings_are_in_double_precision_where_units_are_not(teacher, trained):
    assert trained.cross_section.mean.dtype == jnp.float32
    assert start_from(teacher, prices(walk(2, 2), ["X", "Y"]), units=trained).log_volatility.dtype == np.float64
