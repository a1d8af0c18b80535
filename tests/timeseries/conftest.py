"""Real series shared by the tests of the families, cut to what keeps them quick."""

import arch.data.nasdaq
import arch.data.sp500
import numpy as np
import pytest


@pytest.fixture(scope="session")
def sp500():
    """Daily S&P 500 bars 1999-2018, shipped with arch."""
    return arch.data.sp500.load()


@pytest.fixture(scope="session")
def sp500_returns(sp500):
    """Log returns in per cent."""
    return 100.0 * np.diff(np.log(sp500["Adj Close"].to_numpy()))


@pytest.fixture(scope="session")
def sp500_log_range(sp500):
    """Log of the daily log range: a persistent series with a moving-average part."""
    return np.log(np.log(sp500["High"].to_numpy() / sp500["Low"].to_numpy()))[:1000]


@pytest.fixture(scope="session")
def nasdaq_returns():
    """Log returns of the NASDAQ composite in per cent, the same days."""
    return 100.0 * np.diff(np.log(arch.data.nasdaq.load()["Adj Close"].to_numpy()))
