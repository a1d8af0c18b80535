"""What moved kappa and kappa_plus: exact parts, by kind of uncertainty and by asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from ..certification import KappaParts
from ..engine import EngineInfo, Meta
from .plot_drivers import driver_names, plot_bars

_PARTS = (*KappaParts._fields, "coverage")
_PLOTTED = 12


class Evidence(NamedTuple):
    """What a bar's kappa_plus was made of.

    Attributes:
        uncertainty: of state, model, forecast and the coverage record (1 - BCC), per asset, each in [0, 1].
        weight: |weight| of each asset over their sum.
        kappa: as the engine reported it; likewise `kappa_plus`.
    """

    uncertainty: Float[np.ndarray, "parts assets"]
    weight: Float[np.ndarray, " assets"]
    kappa: float
    kappa_plus: float


@dataclass(frozen=True)
class KappaDrivers:
    """kappa and kappa_plus of a bar by part and asset, and their change since another bar.

    Attributes:
        drivers: tidy, largest change first: part (state, model, forecast, coverage), asset, uncertainty and
            asset_weight on the bar, contribution (to kappa_plus on the bar), change (of it since the reference), and of
            that change what evidence and what weights made; to_kappa and change_to_kappa likewise of kappa.
        kappa: of the bar; likewise `kappa_plus`.
        reference_kappa: of the reference bar, 0 if there is none; likewise `reference_kappa_plus`.
        completeness_error: largest gap between sums of the table and what the engine reported, absolute.
    """

    drivers: pd.DataFrame
    kappa: float
    kappa_plus: float
    reference_kappa: float
    reference_kappa_plus: float
    completeness_error: float

    @property
    def by_part(self) -> pd.DataFrame:
        """Return contributions and changes summed over assets, in the order state, model, forecast, coverage."""
        columns = ["contribution", "change", "from_evidence", "from_weights", "to_kappa", "change_to_kappa"]
        return self.drivers.groupby("part")[columns].sum().loc[list(_PARTS)]

    def plot(self) -> Figure:
        """Draw the largest changes of kappa_plus by part and asset."""
        return plot_bars(
            driver_names(list(self.drivers["part"]), list(self.drivers["asset"])),
            self.drivers["change"].to_numpy(),
            most=_PLOTTED,
            title=f"kappa_plus {self.reference_kappa_plus:.3f} -> {self.kappa_plus:.3f}",
            unit="contribution to the change of kappa_plus",
        )


def evidence_of(info: EngineInfo, weights: Float[Array | np.ndarray, " assets"]) -> Evidence:
    """Return what a bar's kappa_plus was made of.

    Args:
        info: the engine's report of the bar.
        weights: of the portfolio while the bar was taken in, `EngineState.weights` before it.

    Raises:
        ValueError: if there is not one weight for each asset.
    """
    parts = [
        np.asarray(part, float) for part in (*info.certificate.kappa_parts, 1.0 - np.asarray(info.certificate.bcc))
    ]
    size = np.abs(np.asarray(weights, float))
    if size.shape != parts[0].shape:
        raise ValueError(f"weights must be {parts[0].size} numbers, one for each asset, had shape {size.shape}.")
    share = size / size.sum() if size.sum() > 0.0 else np.full(size.shape, 1.0 / size.size)
    return Evidence(np.stack(parts), share, float(info.kappa), float(info.kappa_plus))


def kappa_drivers(
    meta: Meta, now: Evidence, reference: Evidence | None = None, *, assets: Sequence[str] | None = None
) -> KappaDrivers:
    r"""Split kappa_plus, and its change since a reference bar, over parts and assets.

    With u the uncertainty and s the share of an asset, $\omega$ the normalised weight of a part and $\gamma$ that of
    kappa, part p of asset i contributes

    $$c_{pi} = \gamma\, \omega_p\, s_i u_{pi} \quad\text{(of coverage } (1 - \gamma)\, s_i u_{pi}), \qquad
      \Delta(s u) = \bar s\, \Delta u + \bar u\, \Delta s$$

    so that contributions sum to kappa_plus and changes to its change, exactly; with a bar on top s and u are means of
    both bars. Without a reference everything is compared with no uncertainty at all.

    Args:
        meta: of the engine.
        now: the bar to be explained.
        reference: the bar it is compared with.
        assets: names; None numbers them.

    Raises:
        ValueError: if the bars are of different numbers of assets, or names are not one for each; names both.
    """
    count = now.weight.size
    names = [f"asset_{number}" for number in range(count)] if assets is None else list(assets)
    before = Evidence(np.zeros_like(now.uncertainty), now.weight, 0.0, 0.0) if reference is None else reference
    if len(names) != count or before.weight.size != count:
        raise ValueError(
            f"the bar is of {count} assets, its reference of {before.weight.size}, names are {len(names)}: all must be "
            "of the same stream."
        )
    within = np.asarray([float(weight) for weight in meta.kappa_weights])
    of_kappa = np.append(within / within.sum(), 0.0)
    of_plus = float(meta.gamma) * of_kappa + np.asarray([0.0, 0.0, 0.0, 1.0 - float(meta.gamma)])
    weighted = now.weight * now.uncertainty
    evidence = 0.5 * (now.weight + before.weight) * (now.uncertainty - before.uncertainty)
    shift = 0.5 * (now.uncertainty + before.uncertainty) * (now.weight - before.weight)
    spread = {
        "uncertainty": now.uncertainty,
        "asset_weight": np.broadcast_to(now.weight, weighted.shape),
        "contribution": of_plus[:, None] * weighted,
        "change": of_plus[:, None] * (evidence + shift),
        "from_evidence": of_plus[:, None] * evidence,
        "from_weights": of_plus[:, None] * shift,
        "to_kappa": of_kappa[:, None] * weighted,
        "change_to_kappa": of_kappa[:, None] * (evidence + shift),
    }
    table = pd.MultiIndex.from_product([_PARTS, names], names=["part", "asset"]).to_frame(index=False)
    for column, values in spread.items():
        table[column] = values.reshape(-1)
    reported = {
        "contribution": now.kappa_plus,
        "change": now.kappa_plus - before.kappa_plus,
        "to_kappa": now.kappa,
        "change_to_kappa": now.kappa - before.kappa,
    }
    error = max(abs(float(table[column].to_numpy().sum()) - value) for column, value in reported.items())
    order = np.argsort(-np.abs(table["change"].to_numpy()), kind="stable")
    return KappaDrivers(
        table.take(order).reset_index(drop=True), now.kappa, now.kappa_plus, before.kappa, before.kappa_plus, error
    )
