"""The history that a what-if starts from, out of a user's table."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from ..data import MarketData


class History(NamedTuple):
    """Closing prices, and the highest and lowest of each bar for one asset that has them.

    `names` are None where the table's columns are not assets.
    """

    names: tuple[str, ...] | None
    close: Float[np.ndarray, "bars assets"]
    high: Float[np.ndarray, " bars"] | None = None
    low: Float[np.ndarray, " bars"] | None = None


def history_of(prices: pd.DataFrame | MarketData, *, assets: int) -> History:
    """Take the history of a teacher's `assets` out of a table, positive and without gaps.

    Raises:
        ValueError: if there are more or fewer assets, or a price is missing or not positive; names the column.
    """
    if isinstance(prices, MarketData):
        found = History(prices.assets, _positive(pd.DataFrame(prices.close, columns=list(prices.assets))))
        if assets == 1 and prices.high is not None and prices.low is not None:
            found = found._replace(high=prices.high[:, 0], low=prices.low[:, 0])
    else:
        spelt = {str(name).lower(): name for name in prices.columns}
        if assets == 1 and {"high", "low", "close"} <= set(spelt):
            high, low, close = _positive(prices.loc[:, [spelt[name] for name in ("high", "low", "close")]]).T
            found = History(None, close[:, None], high, low)
        else:
            found = History(tuple(str(name) for name in prices.columns), _positive(prices))
    columns = found.close.shape[1]
    if columns != assets:
        raise ValueError(f"prices must have {assets} columns, one for each of the teacher's assets, had {columns}.")
    if found.high is not None and found.low is not None and np.any(found.high < found.low):
        raise ValueError(f"prices: the high of bar {int(np.argmax(found.high < found.low))} is below its low.")
    return found


def ordered(history: History, assets: tuple[str, ...]) -> History:
    """Return the history in the order of `assets`; one without a name takes theirs.

    Raises:
        ValueError: if the history is of other assets.
    """
    if history.names is None:
        return history._replace(names=assets)
    if sorted(history.names) != sorted(assets):
        strangers, missing = sorted(set(history.names) - set(assets)), sorted(set(assets) - set(history.names))
        raise ValueError(
            f"prices hold {', '.join(strangers)} in place of {', '.join(missing)}: name each column after the asset of "
            "the teacher whose units it shall have."
        )
    places = [history.names.index(name) for name in assets]
    return history._replace(names=assets, close=history.close[:, places])


def _positive(prices: pd.DataFrame) -> Float[np.ndarray, "bars columns"]:
    values = prices.to_numpy(float)
    fine = np.isfinite(values) & (values > 0.0)
    if not np.all(fine):
        column = prices.columns[np.argmin(np.all(fine, axis=0))]
        raise ValueError(f"prices must be positive and without gaps; {column!r} is not: fill or drop it first.")
    return values
