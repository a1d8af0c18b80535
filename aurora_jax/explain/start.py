"""Where a what-if starts: the market as it stands today."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from ..core import Regime
from ..data import MarketData
from ..engine import Units, load_teacher, load_units
from ..teacher import NFSDE, CrossSection, cross_sectional_log_volatility, known_before, range_log_volatility
from .history import History, history_of, ordered

_LEAST_BARS = 60


class Start(NamedTuple):
    """The state that paths start from.

    Attributes:
        names: of the assets.
        log_volatility: of each factor, relative to the market that the teacher was fitted to.
        regimes: of consecutive blocks of the horizon.
        in_training_units: False where the average of the history itself was taken for that of the training period.
    """

    names: tuple[str, ...]
    log_volatility: Float[np.ndarray, " factors"]
    regimes: tuple[Regime, ...] = (Regime.GARCH,)
    in_training_units: bool = True


def quiet_start(model: NFSDE) -> Start:
    """Start from the volatility of the training period, with numbered assets."""
    return Start(tuple(f"asset_{i}" for i in range(model.assets)), np.zeros(model.factors))


def start_from(
    model: NFSDE | Path | str,
    prices: pd.DataFrame | MarketData,
    *,
    units: Units | None = None,
    regimes: Sequence[Regime | str] = (Regime.GARCH,),
) -> Start:
    """Start from the volatility of the last bars of a history, in the units of the teacher's training period.

    A market that has been twice as volatile as that period all along starts log 2 higher. Without units the history's
    own average is 0, however volatile it was: right for the period that the teacher was trained on, and wrong for any
    other. `Start.in_training_units` tells which.

    A teacher of one asset that was trained on the ranges of bars reads them here, too, where the history has them; so
    does one without units.

    Args:
        model: the teacher, or the folder or artifact that holds it.
        prices: closing prices, a column for each of the teacher's assets, by name or, without units, in its order; for
            a teacher of one asset also a table with the columns high, low and close.
        units: of the training period, see `training.units_of`; None takes those that lie beside the teacher in its
            folder.
        regimes: of the blocks of the horizon, e.g. `["AR", "GARCH"]` for a flip half-way.

    Raises:
        ValueError: if the columns are not the teacher's assets, the history is shorter than 60 bars, or a price is not
            positive.
        ArtifactError: if the path holds no teacher, or damaged units.
    """
    if not isinstance(model, NFSDE):
        units = load_units(model) if units is None else units
        model = load_teacher(model)
    history = history_of(prices, assets=model.assets)
    if history.close.shape[0] <= _LEAST_BARS:
        raise ValueError(f"prices must hold more than {_LEAST_BARS} bars, held {history.close.shape[0]}.")
    history = history if units is None else ordered(history, units.assets)
    known = known_before(_read(history, units))[-1]
    # One reading of their sum: the factors share it equally.
    return Start(
        history.names or ("asset_0",),
        np.full(model.factors, float(known[0]) / model.factors),
        tuple(regime if isinstance(regime, Regime) else Regime[regime] for regime in regimes),
        in_training_units=units is not None,
    )


def _read(history: History, units: Units | None) -> Float[Array, "bars factors"]:
    """Read the volatility of each return as training does: off its bar's range, or off the cross-section of returns."""
    if history.high is not None and history.low is not None and (units is None or units.reference_variance is not None):
        reference = None if units is None else units.reference_variance
        high, low = jnp.asarray(history.high[1:]), jnp.asarray(history.low[1:])  # of the bars that returns end at
        return range_log_volatility(high, low, reference)[0].log_volatility
    returns = jnp.asarray(np.diff(np.log(history.close), axis=0))
    own = None if units is None else CrossSection(*(jnp.asarray(x, returns.dtype) for x in units.cross_section))
    return cross_sectional_log_volatility(returns, own).log_volatility
