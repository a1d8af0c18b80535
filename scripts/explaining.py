"""An explanation from an artifact and a history to its folder."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from rich.console import Console
from rich.table import Table

from aurora_jax import enable_x64
from aurora_jax.core import Outcome
from aurora_jax.data import MarketData, from_iso, to_iso, write_bytes_whole
from aurora_jax.engine import build, load_artifact
from aurora_jax.explain import Attribution, KappaDrivers, attribute, evidence_of, kappa_drivers
from aurora_jax.governance import Decision, Guard
from aurora_jax.replay import Replay, replay
from aurora_jax.report import picture
from aurora_jax.router import FAMILIES
from scripts.teaching import market_named

_SHOWN = 8


class Asked(NamedTuple):
    """What is to be explained.

    Attributes:
        artifact: folder.
        symbol: stream of it; None takes its first.
        data: the stream's bars.
        at: the last bar up to this date is explained; None takes the last.
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
        ValueError: if the date lies before the data, or the history is too short; names both.
    """
    enable_x64()
    artifact = load_artifact(asked.artifact)
    symbol = next(iter(artifact.config.streams)) if asked.symbol is None else asked.symbol
    engine = build(artifact.config, artifact, symbol=symbol)
    history = _history(asked, tuple(artifact.config.streams[symbol].assets))
    asset = history.assets[0] if asked.asset is None and len(history.assets) == 1 else asked.asset
    forecast = attribute(asked.artifact, history, symbol=symbol, asset=asset, output=asked.output, bars=asked.bars)
    with console.status(f"replaying {len(history.times):,} bars of {symbol}"):
        replayed = replay(engine, engine.init(), history.bars())
    kappa = _kappa(engine, history, replayed, asked.since_bars)
    result = _told(asked, symbol, history, forecast, kappa, replayed)
    _write(out, forecast, kappa, result)
    _show(console, result, forecast, kappa)
    console.print(f"tables and figures in {out}", soft_wrap=True)
    return result


def _history(asked: Asked, assets: tuple[str, ...]) -> MarketData:
    market = market_named(asked.data)
    # A stream of one asset may be called otherwise in a file of its own.
    market = market if len(assets) == len(market.assets) == 1 else market.select(assets)
    if asked.at is None:
        return market
    count = int(np.searchsorted(market.times, from_iso(asked.at), side="right"))
    if count == 0:
        raise ValueError(f"no bar up to {asked.at}: {asked.data} begins on {to_iso(market.times[0])}.")
    return market.rows(0, count)


def _kappa(engine, history: MarketData, replayed: Replay, since_bars: int) -> KappaDrivers:
    rows, last = replayed.rows, len(history.times) - 1
    if last - since_bars < 1:
        raise ValueError(f"the history holds {last + 1} bars: too few to look {since_bars} bars back (--since-bars).")

    def evidence(bar: int):
        info = type(rows.info)(*(_at(part, bar) for part in rows.info))
        return evidence_of(info, rows.weights[bar - 1])  # those that were held while the bar came in

    return kappa_drivers(engine.meta, evidence(last), evidence(last - since_bars), assets=history.assets)


def _at(tree, bar: int):
    """Take one bar of stacked records."""
    return type(tree)(*(_at(part, bar) for part in tree)) if isinstance(tree, tuple) else tree[bar]


def _told(
    asked: Asked, symbol: str, history: MarketData, forecast: Attribution, kappa: KappaDrivers, replayed: Replay
) -> dict:
    info = replayed.rows.info
    return {
        "artifact": str(asked.artifact),
        "stream": symbol,
        "bar": to_iso(history.times[-1]),
        "compared_with": to_iso(history.times[-1 - asked.since_bars]),
        "forecast": {
            "asset": forecast.asset,
            "output": forecast.output,
            "value": forecast.forecast,
            **{name.replace(" ", "_"): float(value) for name, value in forecast.split.items()},
            "completeness_error": forecast.completeness_error,
            "outcome": forecast.outcome.name,
        },
        "kappa_plus": {
            "value": kappa.kappa_plus,
            "before": kappa.reference_kappa_plus,
            "by_part": kappa.by_part["contribution"].to_dict(),
            "change_by_part": kappa.by_part["change"].to_dict(),
            "completeness_error": kappa.completeness_error,
        },
        "families": dict(zip(FAMILIES, info.families[-1][history.assets.index(forecast.asset)].tolist(), strict=True)),
        "decision": Decision(int(info.decision[-1])).name,
        "score": float(info.score[-1]),
        "raised": {
            kind: [guard.name for guard in Guard if raised[-1][guard]]
            for kind, raised in (("soft", info.soft), ("hard", info.hard))
        },
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
    told = result["forecast"]
    console.print(
        f"[bold]{result['stream']}[/bold] after {result['bar']}: {told['asset']}'s {told['output']} is "
        f"{told['value']:.5f} = scale law {told['scale_law']:.5f} + network {told['network']:+.5f} + features "
        f"{told['features']:+.5f}; completeness error {told['completeness_error']:.1e}"
    )
    if forecast.outcome != Outcome.OK:
        console.print(f"[bold red]{forecast.outcome.name}[/bold red]: the contributions must not be used as they stand")
    console.print(_table(forecast.by_feature, ["feature", "asset", "contribution", "share"], "Features, largest first"))
    likely = ", ".join(f"{name} {share:.2f}" for name, share in result["families"].items())
    raised = "; ".join(f"{kind} guards {', '.join(names)}" for kind, names in result["raised"].items() if names)
    console.print(f"Family of {told['asset']}'s window: {likely}")
    console.print(
        f"kappa_plus {kappa.reference_kappa_plus:.3f} on {result['compared_with']} -> {kappa.kappa_plus:.3f}; decision "
        f"{result['decision']}, score {result['score']:.3f}; {raised or 'no guard raised'}"
    )
    parts = kappa.by_part.reset_index()
    columns = ["part", "contribution", "change", "from_evidence", "from_weights"]
    console.print(_table(parts, columns, "kappa_plus by kind of evidence"))


def _table(found: pd.DataFrame, columns: list[str], title: str) -> Table:
    table = Table(title=title)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if is_numeric_dtype(found[name]) else "left")
    for row in found[columns].head(_SHOWN).itertuples(index=False):
        table.add_row(*(f"{value:+.5f}" if isinstance(value, float) else str(value) for value in row))
    return table
