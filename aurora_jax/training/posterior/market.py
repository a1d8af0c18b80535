"""A market's returns and volatility readings, whether one asset with ranges or a basket of closes."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from aurora_jax.config.posterior import JumpConfig
from aurora_jax.data import MarketData
from aurora_jax.teacher import cross_sectional_log_volatility, range_log_volatility

from .observations import Observations, observe

_FEWEST_ASSETS = 4


def join_bars(market: MarketData, bars_in_one: int) -> MarketData:
    """Return the market in longer bars, each named by its last; oldest bars that do not fill one are left out.

    Raises:
        ValueError: if `bars_in_one` is below 1 or no long bar is full.
    """
    if not 1 <= bars_in_one <= len(market.times):
        raise ValueError(f"bars_in_one must lie in [1, {len(market.times)}] (the bars there are), was {bars_in_one}.")
    first = len(market.times) % bars_in_one

    def grouped(table: np.ndarray) -> np.ndarray:
        return table[first:].reshape(-1, bars_in_one, *table.shape[1:])

    tables: dict[str, Any] = {
        "times": grouped(market.times)[:, -1],
        "close": grouped(market.close)[:, -1],
        "imputed": grouped(market.imputed).all(axis=1),
    }
    if market.open is not None and market.high is not None and market.low is not None:
        tables["open"] = grouped(market.open)[:, 0]
        tables["high"] = grouped(market.high).max(axis=1)
        tables["low"] = grouped(market.low).min(axis=1)
    if market.volume is not None:
        tables["volume"] = grouped(market.volume).sum(axis=1)
    return replace(market, **tables)


def observe_market(market: MarketData, jumps: JumpConfig) -> Observations:
    """Reduce a market to what the calibration is of.

    One asset is read by the range of its bars; several by their cross-section, and their equal-weight return.

    Raises:
        ValueError: if one asset has no ranges, a basket too few assets, an asset never moves, or the series are not
            fit for `observe`.
    """
    returns = market.log_returns()
    if len(market.assets) == 1:
        if market.high is None or market.low is None:
            raise ValueError(
                f"{market.symbol}: one asset needs high and low to read its volatility by; give them, or a basket of "
                f"at least {_FEWEST_ASSETS} closes."
            )
        measure, _ = range_log_volatility(jnp.asarray(market.high[:, 0]), jnp.asarray(market.low[:, 0]))
        basket = returns[:, 0]
    else:
        still = [name for name, column in zip(market.assets, returns.T, strict=True) if np.ptp(column) == 0.0]
        if len(market.assets) < _FEWEST_ASSETS or still:
            raise ValueError(
                f"{market.symbol}: {len(market.assets)} assets"
                + (f", of which {', '.join(still)} never move" if still else "")
                + f"; a cross-section needs at least {_FEWEST_ASSETS} that do."
            )
        measure = cross_sectional_log_volatility(jnp.asarray(returns))
        basket = np.log(np.mean(np.exp(returns), axis=1))
    readings = np.asarray(measure.log_volatility[:, 0], float)
    return observe(basket, readings, error_variance=float(measure.error_variance), jumps=jumps)
