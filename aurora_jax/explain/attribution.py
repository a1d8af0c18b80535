"""Why a forecast is what it is: the trailing law, the network, and each feature's part, all adding up."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..core import Bar, Outcome, require_x64
from ..data import MarketData
from .filtered import Filtered, Source, asset_names, filtered, place_of, reader_of
from .forecaster import Forecaster, coefficients
from .integrated_gradients import Integrated, integrated_gradients
from .plot_drivers import driver_names, plot_bars

_PLOTTED = 12


@dataclass(frozen=True)
class Attribution:
    """One number of an asset's forecast, split so that the parts add up to it.

    Attributes:
        asset: whose forecast.
        output: which number of it, a name in `OUTPUTS`; in log returns, `log_scale` in their logarithm.
        forecast: its value.
        scale_law: what the trailing law alone would forecast: no location, its own scale.
        network: what the network adds to that when the explained bars' features are at their training centre.
        drivers: tidy, largest first: feature, asset (whose feature), bars_ago, value (standardised), contribution (in
            the output's unit), share (of the sum of all absolute contributions), completeness_error.
        completeness_error: by how much the contributions miss the change that they explain, relative to it.
        nodes: gradients taken.
        outcome: OK; NOT_CONVERGED or NON_FINITE if the contributions must not be used as they stand.
    """

    asset: str
    output: str
    forecast: float
    scale_law: float
    network: float
    drivers: pd.DataFrame
    completeness_error: float
    nodes: int
    outcome: Outcome

    @property
    def split(self) -> pd.Series:
        """Return scale law, network and features; they sum to the forecast but for the completeness error."""
        features = float(self.drivers["contribution"].to_numpy().sum())
        parts = {"scale law": self.scale_law, "network": self.network, "features": features}
        return pd.Series(parts, name=self.output)

    @property
    def by_feature(self) -> pd.DataFrame:
        """Return the drivers summed over bars: feature, asset, contribution, share, completeness_error."""
        summed = self.drivers.groupby(["feature", "asset"], sort=False)["contribution"].sum()
        table = summed.index.to_frame(index=False)
        table["contribution"] = summed.to_numpy()
        table["share"] = _shares(np.asarray(summed))
        table["completeness_error"] = self.completeness_error
        return _largest_first(table)

    def plot(self) -> Figure:
        """Draw the largest drivers, what raises the number apart from what lowers it."""
        table = self.by_feature
        return plot_bars(
            driver_names(list(table["feature"]), list(table["asset"])),
            table["contribution"].to_numpy(),
            most=_PLOTTED,
            title=f"{self.asset}, {self.output.replace('_', ' ')}: {self.forecast:.4g}",
            unit="contribution, log " + ("of scale" if self.output == "log_scale" else "return"),
        )


def attribute(
    source: Source,
    history: MarketData | Bar,
    *,
    asset: str | None = None,
    output: str = "quantile_05",
    bars: int = 1,
    symbol: str | None = None,
    tolerance: float = 1e-3,
    max_nodes: int = 512,
) -> Attribution:
    r"""Attribute a number of the forecast after a history's last bar to the features of its last `bars`.

    By integrated gradients against features at their training centre, 0 once standardised; features of other assets
    count through their mean, which the encoder sees. More than one bar is attributed through the filter, so that memory
    counts. Returns move the trailing law alone, which stands apart: with location l and log scale s of the network,
    scale v of the law and the standard quantile q,

    $$\text{quantile} = \underbrace{v q}_{\text{law}} + \underbrace{v\,(l_0 + (e^{s_0} - 1) q)}_{\text{network}}
      + \underbrace{v\,(l - l_0 + (e^{s} - e^{s_0}) q)}_{\text{features}}$$

    and likewise mean (law 0), scale (q = 1, no l) and log scale (law log v, network $s_0$, features $s - s_0$).

    The forecast is the student's: not what an engine serves while its fallback for slow decisions is in force.

    Args:
        source: an engine, a trained student, or the folder of an artifact or of a student.
        history: bars from the stream's beginning, or long enough ago that the filter has forgotten its start.
        asset: whose forecast; None is the only one.
        output: `mean`, `scale`, `log_scale`, or `quantile_05`, `_25`, `_50`, `_75`, `_95` of the next log return.
        bars: how many of the last bars' features are attributed.
        symbol: the stream of an artifact; None takes its first.
        tolerance: of the completeness error.
        max_nodes: gradients that may be taken.

    Raises:
        ValueError: if an argument is unknown or out of range, or the history does not fit; names it.
        ArtifactError: if the folder holds no student.
    """
    require_x64("attribute")
    reader = reader_of(source, symbol)
    asked = coefficients(reader.student, output)
    names = asset_names(reader, history)
    place = place_of(asset, names)
    walked = filtered(reader, history, bars=bars)
    forecaster = Forecaster(
        reader.student, walked.hidden, walked.latent, walked.law, walked.observed, jnp.asarray(place), asked
    )
    found = integrated_gradients(
        forecaster, walked.features, jnp.zeros_like(walked.features), tolerance=tolerance, max_nodes=max_nodes
    )
    alone = float(forecaster.of_law_alone())
    return Attribution(
        asset=names[place],
        output=output,
        forecast=found.at_point,
        scale_law=alone,
        network=found.at_baseline - alone,
        drivers=_table(found, walked, names, reader.pipeline.names),
        completeness_error=found.completeness_error,
        nodes=found.nodes,
        outcome=found.outcome,
    )


def _table(found: Integrated, walked: Filtered, assets: tuple[str, ...], features: tuple[str, ...]) -> pd.DataFrame:
    ago = range(found.contributions.shape[0])[::-1]
    places = pd.MultiIndex.from_product([ago, assets, features], names=["bars_ago", "asset", "feature"])
    table = places.to_frame(index=False).reindex(columns=["feature", "asset", "bars_ago"])
    table["value"] = np.asarray(walked.features, float).reshape(-1)
    table["contribution"] = found.contributions.reshape(-1)
    table["share"] = _shares(found.contributions.reshape(-1))
    table["completeness_error"] = found.completeness_error
    return _largest_first(table)


def _shares(contributions: np.ndarray) -> np.ndarray:
    """Return contributions over the sum of their absolute values; 0 where nothing contributes."""
    total = float(np.sum(np.abs(contributions)))
    return contributions / total if total > 0.0 else np.zeros_like(contributions)


def _largest_first(table: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(-np.abs(table["contribution"].to_numpy()), kind="stable")
    return table.take(order).reset_index(drop=True)
