"""Small markets for the tests of the data package."""

import numpy as np

from aurora_jax.data import MarketData

DAY = 86_400
FIRST_DAY = 1_577_836_800  # 2020-01-01


def market(close, *, spread=None, volume=None, assets=None, **fields):
    """Return daily bars around `close` [bars, assets]; `spread` > 0 gives them open, high and low."""
    close = np.atleast_2d(np.asarray(close, dtype=np.float64).T).T
    bars, width = close.shape
    tables = dict.fromkeys(("open", "high", "low"))
    if spread is not None:
        tables = {"open": close.copy(), "high": close * (1 + spread), "low": close * (1 - spread)}
    record = {
        "symbol": "toy",
        "assets": tuple(assets or (f"A{i}" for i in range(width))),
        "times": FIRST_DAY + DAY * np.arange(bars),
        **tables,
        "close": close,
        "volume": None if volume is None else np.broadcast_to(np.asarray(volume, dtype=np.float64), close.shape).copy(),
        "imputed": np.zeros(close.shape, dtype=bool),
        "source": "a test",
        "licence": "none",
    }
    return MarketData(**record | fields)
