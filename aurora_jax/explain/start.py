"""Where a what-if starts: the market as it stands today."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from ..core import Regime
from ..teacher import NFSDE, cross_sectional_log_volatility

_SMOOTHING_BARS = 10.0
_LEAST_BARS = 60


class Start(NamedTuple):
    """The state that paths start from.

    Attributes:
        names: of the assets.
        log_volatility: of each factor, relative to the market that the teacher was fitted to.
        regimes: of consecutive blocks of the horizon.
    """

    names: tuple[str, ...]
    log_volatility: Float[np.ndarray, " factors"]
    regimes: tuple[Regime, ...] = (Regime.GARCH,)


def quiet_start(model: NFSDE) -> Start:
    """Start from the typical volatility, with numbered assets."""
    return Start(tuple(f"asset_{i}" for i in range(model.assets)), np.zeros(model.factors))


def start_from(model: NFSDE, prices: pd.DataFrame, *, regimes: Sequence[Regime | str] = (Regime.GARCH,)) -> Start:
    """Start from the volatility of the last bars of a history, relative to the whole of it.

    The history should be that of the market that the teacher was fitted to: its own average volatility is taken for
    the teacher's.

    Args:
        model: the teacher.
        prices: closing prices, a column for each of the teacher's assets in its order.
        regimes: of the blocks of the horizon, e.g. `["AR", "GARCH"]` for a flip half-way.

    Raises:
        ValueError: if the columns do not fit the teacher, the history is shorter than 60 bars, or a price is not
            positive.
    """
    if prices.shape[1] != model.assets:
        raise ValueError(
            f"prices must have {model.assets} columns, one for each of the teacher's assets, had {prices.shape[1]}."
        )
    if prices.shape[0] <= _LEAST_BARS:
        raise ValueError(f"prices must hold more than {_LEAST_BARS} bars, held {prices.shape[0]}.")
    values = prices.to_numpy(float)
    if not np.all(np.isfinite(values) & (values > 0.0)):
        column = prices.columns[np.argmin(np.all(np.isfinite(values) & (values > 0.0), axis=0))]
        raise ValueError(f"prices must be positive and without gaps; {column!r} is not: fill or drop it first.")
    reading = cross_sectional_log_volatility(jnp.asarray(np.diff(np.log(values), axis=0)))
    recent = pd.Series(np.asarray(reading.log_volatility)[:, 0]).ewm(com=_SMOOTHING_BARS).mean().iloc[-1]
    # One reading of their sum: the factors share it equally.
    return Start(
        tuple(str(name) for name in prices.columns),
        np.full(model.factors, recent / model.factors),
        tuple(regime if isinstance(regime, Regime) else Regime[regime] for regime in regimes),
    )
