"""What a report is made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..core import Invariants, Number
from ..replay import ReplayRow


class HeadlineRow(NamedTuple):
    """One line of the headline table, as text that is ready to print.

    Attributes:
        name: what was measured, e.g. "Sharpe ratio, net of costs".
        value: AURORA's, e.g. "0.71 [0.12, 1.30]".
        benchmark: the benchmark's, or the target, e.g. "0.52 [-0.09, 1.12]"; may be empty.
        note: how to read it, in a few words; may be empty.
    """

    name: str
    value: str
    benchmark: str = ""
    note: str = ""


class Fan(NamedTuple):
    """Simulated paths against windows of history, as cumulative log returns from 0; column b is after b + 1 bars."""

    simulated: Float[np.ndarray, "paths horizon"]
    history: Float[np.ndarray, "windows horizon"]


class RouterReport(NamedTuple):
    """What the router said on held-out windows, and what was true.

    Attributes:
        probabilities: of each family; rows sum to 1.
        labels: code of the true family; of real windows, whose truth nobody knows, drawn from their BIC weights.
    """

    probabilities: Float[np.ndarray, "windows families"]
    labels: Int[np.ndarray, " windows"]


class LossCurve(NamedTuple):
    """The losses of one training.

    Attributes:
        model: what was trained; curves of one model share a panel, e.g. "student".
        name: of the curve in its panel, e.g. "validation".
        losses: at `steps`.
        steps: of the optimiser, ascending.
    """

    model: str
    name: str
    losses: Float[np.ndarray, " points"]
    steps: Int[np.ndarray, " points"]


@dataclass(frozen=True, eq=False)
class StreamReport:
    """A stream and its replay.

    Attributes:
        symbol: its name.
        assets: name of each asset.
        times: end of each bar, seconds since the Unix epoch, UTC, ascending.
        close: prices.
        rows: of the replay, stacked over bars.
        nominal_coverage: what the intervals promise, e.g. 0.9.
        benchmark: net returns of the benchmark over the same bars.
        benchmark_name: e.g. "equal weight".
        thresholds: levels of the acceptance score by name, e.g. {"tau_pass": 0.6}.
        headline: the stream's own table; may be empty.
    """

    symbol: str
    assets: tuple[str, ...]
    times: Int[np.ndarray, " times"]
    close: Float[np.ndarray, "bars columns"]
    rows: ReplayRow
    nominal_coverage: Number
    benchmark: Float[np.ndarray, " benchmarks"]
    benchmark_name: str = "equal weight"
    thresholds: Mapping[str, Number] = field(default_factory=dict)
    headline: tuple[HeadlineRow, ...] = ()

    def __post_init__(self):
        bars, assets = self.close.shape
        if bars < 2:
            raise ValueError(f"stream {self.symbol}: a report needs at least 2 bars, close had {bars}.")
        if len(self.assets) != assets:
            raise ValueError(f"stream {self.symbol}: close has {assets} columns for assets {self.assets}.")
        for name, series in (("times", self.times), ("rows", self.rows.equity), ("benchmark", self.benchmark)):
            if len(series) != bars:
                raise ValueError(
                    f"stream {self.symbol}: {name} must cover the {bars} bars of close, had {len(series)}."
                )
        if not 0.0 < self.nominal_coverage < 1.0:
            raise ValueError(f"stream {self.symbol}: nominal_coverage must lie in (0, 1), was {self.nominal_coverage}.")

    @property
    def slug(self) -> str:
        """Return the symbol as it stands in file names and anchors."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.symbol).strip("-") or "stream"

    @property
    def dates(self) -> np.ndarray:
        """Return the bar times as NumPy dates."""
        return self.times.astype("datetime64[s]")


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything that a report shows; what is absent (None, empty) is left out of the page.

    Attributes:
        title: of the page.
        subtitle: one line below it.
        headline: the table that opens the report.
        streams: at least one, each with its own section.
        fan: scenarios against history.
        invariants: by the name of a market ("real", "teacher", "student"), each with scalar estimates.
        router: held-out predictions.
        losses: of the trainings.
        provenance: sections of names and values: {"run": {"seed": "1337"}, "data": {"US20": "sha256:..."}}.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineRow, ...]
    streams: tuple[StreamReport, ...]
    fan: Fan | None = None
    invariants: Mapping[str, Invariants] = field(default_factory=dict)
    router: RouterReport | None = None
    losses: tuple[LossCurve, ...] = ()
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self):
        if not self.streams:
            raise ValueError("a report needs at least one stream, had none.")
        if self.fan is not None:
            simulated, history = self.fan.simulated, self.fan.history
            if not simulated.size or not history.size or simulated.shape[1] != history.shape[1]:
                raise ValueError(
                    "a fan needs paths and windows of one horizon, "
                    f"had shapes {simulated.shape} and {history.shape}: take windows of history as long as the paths."
                )
        slugs = [stream.slug for stream in self.streams]
        if len(set(slugs)) != len(slugs):
            raise ValueError(f"streams must have different names in file names, were {slugs}.")
