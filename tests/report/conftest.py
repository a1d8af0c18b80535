import pytest

from tests.report.market import stream_report


@pytest.fixture(scope="session")
def single():
    """One asset over 400 bars."""
    return stream_report("BTC/USDT", bars=400, seed=3)


@pytest.fixture(scope="session")
def basket():
    """Eight assets over 300 bars."""
    return stream_report("US8", bars=300, assets=8, seed=5)
