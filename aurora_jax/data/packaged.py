"""Real market data that comes inside dependencies, so that it needs no network."""

import difflib
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .errors import DataError
from .market_data import MarketData
from .validate import validate


class _Packaged(NamedTuple):
    package: str
    file: str
    loader: str
    licence: str


_ARCH = "NCSA (arch); price history from Yahoo Finance"
_CATALOGUE = {
    "us20": _Packaged(
        "skfolio",
        "datasets/data/sp500_dataset.csv.gz",
        "skfolio.datasets.load_sp500_dataset",
        "BSD-3-Clause (skfolio); for testing and example purposes only",
    ),
    "sp500": _Packaged("arch", "data/sp500/sp500.csv.gz", "arch.data.sp500.load", _ARCH),
    "nasdaq": _Packaged("arch", "data/nasdaq/nasdaq.csv.gz", "arch.data.nasdaq.load", _ARCH),
}


def load_packaged(name: str) -> MarketData:
    """Return real daily history from an installed dependency, checked.

    * `us20`: adjusted closes of 20 US stocks, 1990-2022, close-only;
    * `sp500`, `nasdaq`: the index, 1999-2018, open, high, low, close, volume. The raw close is used, so that it
      stays consistent with open, high and low; an index has no dividends, the adjusted close equals it.

    Bars carry the date of their session, at midnight UTC.

    Raises:
        DataError: if `name` is unknown, names the nearest; or if the installed dependency lacks the file.
    """
    if name not in _CATALOGUE:
        nearest = difflib.get_close_matches(name, _CATALOGUE, n=1, cutoff=0.0)[0]
        raise DataError(f"no packaged data {name!r}; did you mean {nearest!r}? There are {', '.join(_CATALOGUE)}.")
    entry = _CATALOGUE[name]
    frame = _read(entry)
    times = frame.index.to_numpy().astype("datetime64[s]").astype(np.int64)
    tables: dict[str, Any]
    if name == "us20":
        assets = tuple(str(asset) for asset in frame.columns)
        tables = dict.fromkeys(("open", "high", "low", "volume")) | {
            "close": np.ascontiguousarray(frame.to_numpy(dtype=np.float64))
        }
    else:
        assets = (name,)
        tables = {c: frame[[c.title()]].to_numpy(dtype=np.float64) for c in ("open", "high", "low", "close", "volume")}
    version = importlib.metadata.version(entry.package)
    data = MarketData(
        symbol=name,
        assets=assets,
        times=times,
        **tables,
        imputed=np.zeros((len(times), len(assets)), dtype=bool),
        source=f"{entry.loader} ({entry.package} {version})",
        licence=entry.licence,
    )
    return validate(data)


def _read(entry: _Packaged) -> pd.DataFrame:
    """Read the dependency's data file; its own loader would import the whole package, for 5 to 7 seconds."""
    spec = importlib.util.find_spec(entry.package)
    folder = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    if folder is None or not (folder / entry.file).exists():
        raise DataError(f"{entry.package}: data file {entry.file} is not installed; run pip install {entry.package}.")
    return pd.read_csv(folder / entry.file, index_col=0, parse_dates=True)
