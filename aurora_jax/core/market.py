"""Bars, the columns a stream has, and the regimes it moves through."""

import enum
from typing import NamedTuple

from jaxtyping import Array, Bool, Float, Int

from .shapes import Number


class Regime(enum.IntEnum):
    """Which linear family explains a window best; TRANS is in transition between two of them."""

    AR = 0
    ARMA = 1
    GARCH = 2
    TRANS = 3


class Columns(NamedTuple):
    """The columns a stream declares; what is absent is never imputed."""

    ohlc: bool
    volume: bool


class Bar(NamedTuple):
    """One bar of a stream of `assets`, with what the shell measured about it.

    Attributes:
        time: end of the bar, seconds since the Unix epoch, UTC.
        open: prices, or None if the stream is close-only; likewise `high` and `low`.
        close: prices.
        volume: traded volume, or None if the stream has none.
        imputed: True where the asset's bar was filled forward, not observed.
        latency_ms: decision latency of the previous request, milliseconds.
        data_age_s: age of the bar when it arrived, seconds.
        error_rate: share of failed requests in the shell's trailing window, in [0, 1].
        drawdown: current drawdown of the account, in [0, 1].
    """

    time: Int[Array, "*batch"]
    open: Float[Array, "*batch assets"] | None
    high: Float[Array, "*batch assets"] | None
    low: Float[Array, "*batch assets"] | None
    close: Float[Array, "*batch assets"]
    volume: Float[Array, "*batch assets"] | None
    imputed: Bool[Array, "*batch assets"]
    latency_ms: Number | Float[Array, "*batch"]
    data_age_s: Number | Float[Array, "*batch"]
    error_rate: Number | Float[Array, "*batch"]
    drawdown: Number | Float[Array, "*batch"]

    @property
    def columns(self) -> Columns:
        """Return which optional columns this bar carries."""
        return Columns(ohlc=self.open is not None, volume=self.volume is not None)
