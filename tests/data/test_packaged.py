import numpy as np
import pytest

from aurora_jax.core import Columns
from aurora_jax.data import DataError, load_packaged


def test_us20_is_the_data_that_skfolio_prints():
    # the first rows as printed in skfolio's documentation of load_sp500_dataset
    data = load_packaged("us20")
    assert data.close.shape == (8313, 20)
    assert data.columns == Columns(ohlc=False, volume=False)
    first = data.between("1990-01-02", "1990-01-04").select(["AAPL", "AMD", "BAC", "XOM"])
    np.testing.assert_array_equal(first.close, [[0.264, 4.125, 4.599, 4.068], [0.266, 4.0, 4.636, 4.027]])
    assert np.datetime64(int(data.times[-1]), "s") == np.datetime64("2022-12-28")
    assert "skfolio" in data.source
    assert "BSD-3-Clause" in data.licence


def test_indices_have_ohlcv_and_the_days_the_news_reported():
    data = load_packaged("sp500")
    assert data.columns == Columns(ohlc=True, volume=True)
    assert data.close.flags.c_contiguous
    # "the S&P 500 rose 11.58 % on 13 October 2008", "fell 4.10 % on 5 February 2018"
    for day, until, change in (("2008-10-10", "2008-10-14", 0.1158), ("2018-02-02", "2018-02-06", -0.0410)):
        two = data.between(day, until).close[:, 0]
        assert two[1] / two[0] - 1 == pytest.approx(change, abs=5e-5)
    nasdaq = load_packaged("nasdaq")
    assert (nasdaq.symbol, nasdaq.assets) == ("nasdaq", ("nasdaq",))
    # "the Nasdaq Composite closed at 5,048.62 on 10 March 2000", its high for 15 years
    assert nasdaq.between("2000-03-10", "2000-03-11").close.item() == pytest.approx(5048.62, abs=5e-3)
    assert nasdaq.between(None, "2015-01-01").close.max() == pytest.approx(5048.62, abs=5e-3)
    assert data.digest != nasdaq.digest


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(DataError, match="'sp50'; did you mean 'sp500'"):
        load_packaged("sp50")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["us20", "sp500", "nasdaq"])
def test_the_files_hold_what_their_own_loaders_give(name):
    import arch.data.nasdaq
    import arch.data.sp500
    import skfolio.datasets

    loaders = {
        "us20": skfolio.datasets.load_sp500_dataset,
        "sp500": arch.data.sp500.load,
        "nasdaq": arch.data.nasdaq.load,
    }
    frame = loaders[name]()
    data = load_packaged(name)
    np.testing.assert_array_equal(frame.index.to_numpy(), data.times.astype("datetime64[s]"))
    if name == "us20":
        np.testing.assert_allclose(data.close, frame.to_numpy(), rtol=1e-15)
    else:
        for column in ("open", "high", "low", "close", "volume"):
            np.testing.assert_allclose(getattr(data, column)[:, 0], frame[column.title()], rtol=1e-15)
        np.testing.assert_array_equal(frame["Close"], frame["Adj Close"])
