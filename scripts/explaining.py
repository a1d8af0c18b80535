"""An explanation from an artifact and a history to its folder."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from rich.console import Console
from rich.table import Table

from aurora_jax import enable_x64
from aurora_jax.config.engine import StreamConfig
from aurora_jax.core import Outcome
from aurora_jax.data import MarketData, from_iso, to_iso, write_bytes_whole
from aurora_jax.engine import build, load_artifact
from aurora_jax.explain import OUTPUTS, Attribution, Evidence, KappaDrivers, attribute, evidence_of, kappa_drivers
from aurora_jax.replay import ReplayRow, replay
from aurora_jax.report import picture
from aurora_jax.router import FAMILIES
from scripts.teaching import market_named

_DAY_S = 86_400
_SHOWN = 8


class Asked(NamedTuple):
    """What is to be explained.

    Attributes:
        artifact: folder.
        symbol: stream of it; None takes the first that fits the data.
        data: the stream's bars.
        at: the last bar up to the end of this date, or up to this time; None takes the last.
        asset: whose forecast.
        output: which number of it.
        bars: whose features are attributed.
        since_bars: kappa is compared with this many bars earlier.
    """

    artifact: Path
    symbol: str | None
    data: str
    at: str | None
    asset: str | None
    output: str
    bars: int
    since_bars: int


def explain(asked: Asked, out: Path, *, console: Console) -> dict:
    """Attribute the forecast and kappa_plus of a bar, and leave tables, figures and numbers in `out`.

    Raises:
        ArtifactError: if the artifact cannot be read or has no such stream.
        DataError: if the data cannot be read or lacks an asset of the stream.
        ValueError: if something asked for is unknown, or the history is too short; names it and the option.
    """
    if asked.output not in OUTPUTS:
        raise ValueError(f"--output must be one of {', '.join(OUTPUTS)}, was {asked.output}.")
    enable_x64()
    artifact, market = load_artifact(asked.artifact), market_named(asked.data)
    symbol = stream_for(market, artifact.config.streams, symbol=asked.symbol)
    engine = build(artifact.config, artifact, symbol=symbol)
    history = history_up_to(asked.at, market, artifact.config.streams[symbol])
    asset = _asset(asked.asset, history)
    now, before = len(history.times) - 1, len(history.times) - 1 - asked.since_bars
    if before < engine.meta.warm_up_bars:
        raise ValueError(
            f"the history holds {now + 1} bars: kappa is compared with {asked.since_bars} bars earlier (--since-bars), "
            f"and an engine needs {engine.meta.warm_up_bars} to warm up; give it more, or explain a later bar (--at)."
        )
    forecast = attribute(engine, history, asset=asset, output=asked.output, bars=asked.bars)
    with console.status(f"replaying {len(history.times):,} bars of {symbol}"):
        rows = replay(engine, engine.init(), history.bars()).rows
    kappa = kappa_drivers(engine.meta, _evidence(rows, now), _evidence(rows, before), assets=history.assets)
    result = {
        "artifact": str(asked.artifact),
        "stream": symbol,
        "bar": to_iso(history.times[now]),
        "compared_with": to_iso(history.times[before]),
        "replayed_from": to_iso(history.times[0]),
        "forecast": _told_forecast(forecast),
        "families": dict(zip(FAMILIES, rows.info.families[now][history.assets.index(asset)].tolist(), strict=True)),
        "kappa_plus": _told_kappa(kappa),
    }
    _write(out, forecast, kappa, result)
    _show(console, result, forecast, kappa)
    console.print(f"tables and figures in {out}", soft_wrap=True)
    return result


def stream_for(market: MarketData, streams: Mapping[str, StreamConfig], *, symbol: str | None) -> str:
    """Return the stream asked for, or the first whose assets the market has.

    Raises:
        ValueError: if there is no such stream; names those that there are.
    """
    if symbol is not None and symbol not in streams:
        raise ValueError(f"the artifact has no stream {symbol}; --symbol may be {', '.join(streams)}.")
    fitting = [
        name for name, stream in streams.items() if set(stream.assets) <= set(market.assets) or _alone(stream, market)
    ]
    return symbol or next(iter(fitting or streams))


def _alone(stream: StreamConfig, market: MarketData) -> bool:
    """Say whether both are of one asset: a file of its own may call it otherwise."""
    return len(stream.assets) == len(market.assets) == 1


def history_up_to(at: str | None, market: MarketData, stream: StreamConfig) -> MarketData:
    """Return the stream's bars up to the end of a date, or up to a time; None takes all.

    Raises:
        DataError: if the market lacks an asset, or the date cannot be read.
        ValueError: if there is no bar; names the first.
    """
    assets = tuple(stream.assets)
    market = replace(market, assets=assets) if _alone(stream, market) else market.select(assets)
    if at is None:
        return market
    whole_day = _DAY_S if len(at) == len("2018-02-05") else 1
    count = int(np.searchsorted(market.times, from_iso(at) + whole_day))
    if count == 0:
        raise ValueError(f"no bar up to {at} (--at): {market.symbol} begins on {to_iso(market.times[0])}.")
    return market.rows(0, count)


def _asset(asset: str | None, history: MarketData) -> str:
    if asset is None and len(history.assets) == 1:
        return history.assets[0]
    if asset is None or asset not in history.assets:
        found = "not given" if asset is None else asset
        raise ValueError(f"--asset must be one of {', '.join(history.assets)}, was {found}.")
    return asset


def _evidence(rows: ReplayRow, bar: int) -> Evidence:
    info = jax.tree.map(lambda leaf: leaf[bar], rows.info)
    return evidence_of(info, rows.weights[bar - 1])  # those that were held while the bar came in


def _told_forecast(forecast: Attribution) -> dict:
    return {
        "asset": forecast.asset,
        "output": forecast.output,
        "value": forecast.forecast,
        **{str(name).replace(" ", "_"): float(value) for name, value in forecast.split.items()},
        "completeness_error": forecast.completeness_error,
        "outcome": forecast.outcome.name,
    }


def _told_kappa(kappa: KappaDrivers) -> dict:
    return {
        "value": kappa.kappa_plus,
        "before": kappa.reference_kappa_plus,
        "by_part": kappa.by_part["contribution"].to_dict(),
        "change_by_part": kappa.by_part["change"].to_dict(),
        "completeness_error": kappa.completeness_error,
    }


def _write(out: Path, forecast: Attribution, kappa: KappaDrivers, result: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, drivers, figure in (
        ("forecast", forecast.drivers, forecast.plot()),
        ("kappa", kappa.drivers, kappa.plot()),
    ):
        write_bytes_whole(drivers.to_csv(index=False).encode(), out / f"{name}.csv")
        write_bytes_whole(picture(figure).png, out / f"{name}.png")
    write_bytes_whole(json.dumps(result, indent=1).encode(), out / "explanation.json")


def _show(console: Console, result: dict, forecast: Attribution, kappa: KappaDrivers) -> None:
    console.print(f"[bold]{result['stream']}[/bold] after {result['bar']}")
    show_forecast(console, forecast)
    likely = ", ".join(f"{name} {share:.2f}" for name, share in result["families"].items())
    console.print(f"Family of {forecast.asset}'s window: {likely}")
    console.print(
        f"kappa_plus {kappa.reference_kappa_plus:.3f} on {result['compared_with']} -> {kappa.kappa_plus:.3f}, in a "
        f"replay from {result['replayed_from']}"
    )
    parts = kappa.by_part.reset_index()
    columns = ["part", "contribution", "change", "from_evidence", "from_weights"]
    console.print(_table(parts, columns, "kappa_plus by kind of evidence"))


def show_forecast(console: Console, forecast: Attribution) -> None:
    """Print the forecast's parts and largest features, and whether they may be used."""
    parts = forecast.split
    console.print(
        f"{forecast.asset}'s {forecast.output} is {forecast.forecast:.5f} = scale law {parts['scale law']:.5f} + "
        f"network {parts['network']:+.5f} + features {parts['features']:+.5f}; completeness error "
        f"{forecast.completeness_error:.1e}"
    )
    if forecast.outcome != Outcome.OK:
        console.print(f"[bold red]{forecast.outcome.name}[/bold red]: the contributions must not be used as they stand")
    console.print(_table(forecast.by_feature, ["feature", "asset", "contribution", "share"], "Features, largest first"))


def _table(found: pd.DataFrame, columns: list[str], title: str) -> Table:
    table = Table(title=title)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if is_numeric_dtype(found[name]) else "left")
    for row in found[columns].head(_SHOWN).itertuples(index=False):
        table.add_row(*(f"{value:+.5f}" if isinstance(value, float) else str(value) for value in row))
    return table
