"""One market of four assets on which every feature is computed once: a single compilation for all tests."""

import numpy as np
import pandas as pd
import pytest

from aurora_jax.data import load_packaged
from tests.data.bars import market
from tests.data.features.batch import BARS, GROWTH, all_features


@pytest.fixture(scope="session")
def history():
    """2008 in the S&P 500 and the Nasdaq: calm, a crash, the largest moves since 1987."""
    year = [load_packaged(name).between("2008-01-02", None).rows(0, BARS) for name in ("sp500", "nasdaq")]
    tables = {
        name: np.concatenate([getattr(data, name) for data in (*year, *year)], axis=1)
        for name in ("open", "high", "low", "close", "volume")
    }
    return market(tables["close"], **{name: table for name, table in tables.items() if name != "close"})


@pytest.fixture(scope="session")
def real(history):
    """Every feature on `history`."""
    return all_features(history)


@pytest.fixture(scope="session")
def frames(history):
    """The bars of the S&P 500 and of the Nasdaq as pandas tables, for slow twins."""
    return [
        pd.DataFrame({name: getattr(history, name)[:, asset] for name in ("open", "high", "low", "close", "volume")})
        for asset in (0, 1)
    ]


@pytest.fixture(scope="session")
def toy_market():
    """Assets 0 steady growth, 1 zigzag of +-`GROWTH`, 2 still, then one jump of 10 % at bar 200, 3 never moved.

    High and low lie symmetric around the close in logarithms, `GROWTH` away; volume is 1, but 22 at bar 200;
    the zigzag does not trade in bars 240 to 242.
    """
    bar = np.arange(BARS)
    log_close = np.zeros((BARS, 4))
    log_close[:, 0] = GROWTH * bar
    log_close[:, 1] = GROWTH * (bar % 2)
    log_close[200:, 2] = np.log(1.1)
    close = 100.0 * np.exp(log_close)
    volume = np.ones((BARS, 4))
    volume[200] = 22.0
    volume[240:243, 1] = 0.0
    return market(close, open=close, high=close * np.exp(GROWTH), low=close * np.exp(-GROWTH), volume=volume)


@pytest.fixture(scope="session")
def toy(toy_market):
    """Every feature on `toy_market`."""
    return all_features(toy_market)
