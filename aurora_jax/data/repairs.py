"""What may be mended in a table that would else be refused; each is asked for by name, and told of."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd


class Repairs(NamedTuple):
    """What the owner of a file wants done; by default nothing.

    Attributes:
        duplicates: rows of one asset and time: refused, or the last of them kept, as exchanges correct a bar by
            sending it again.
        starts: assets that begin at different times: refused, or everything dropped before the latest of their
            starts.
    """

    duplicates: Literal["refuse", "keep_last"] = "refuse"
    starts: Literal["refuse", "latest"] = "refuse"


NO_REPAIRS = Repairs()
_NEVER = np.datetime64("9999-12-31", "s")


def mend(frame: pd.DataFrame, rows: np.ndarray, repairs: Repairs) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
    """Return the long table and its rows' names without what `repairs` drops, and a phrase for each repair done.

    Args:
        frame: columns timestamp, symbol and close, and others.
        rows: what the reader calls each row.
        repairs: what to do.
    """
    keep, done = np.ones(len(frame), dtype=bool), []
    if repairs.duplicates == "keep_last":
        keep = ~frame.duplicated(["symbol", "timestamp"], keep="last").to_numpy()
        if not keep.all():
            done.append(f"{int((~keep).sum())} duplicated rows dropped")
    if repairs.starts == "latest":
        # In the wide layout an asset that has not begun is an empty cell.
        begun = frame["close"].notna().to_numpy()
        times = frame["timestamp"].to_numpy(dtype="datetime64[s]")
        symbols = frame["symbol"].to_numpy(dtype=object)
        start = max(np.append(times[begun & (symbols == name)], _NEVER).min() for name in np.unique(symbols))
        late = times >= start
        if not late.all():
            done.append(f"{int((keep & ~late).sum())} rows before {start} dropped")
        keep = keep & late
    return pd.DataFrame(frame.loc[keep]).reset_index(drop=True), rows[keep], tuple(done)
