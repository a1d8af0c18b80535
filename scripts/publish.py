"""What a run of the quickstart leaves behind: summary, report and the table on the screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from aurora_jax.backtest import equal_weight, expected_shortfall_interval, performance, same_volatility, sharpe_interval
from aurora_jax.config import QuickstartConfig
from aurora_jax.core import Invariants
from aurora_jax.data import MarketData
from aurora_jax.engine import canonical_json, versions
from aurora_jax.inference import expected_calibration_error
from aurora_jax.replay import AccountRule, Replay, summarise
from aurora_jax.report import (
    Fan,
    HeadlineRow,
    LossCurve,
    ReportContent,
    RouterReport,
    StreamReport,
    write_report,
)

_BINS = 10
_RULE = AccountRule()
_COST = float(_RULE.commission) + float(_RULE.half_spread)


class HoldOut(NamedTuple):
    """One stream's hold-out: the data and what the engine made of it."""

    data: MarketData
    replay: Replay


class Outcome(NamedTuple):
    """Everything that a finished run has to tell."""

    config: QuickstartConfig
    streams: Mapping[str, HoldOut]
    invariants: Mapping[str, Invariants]
    router: RouterReport
    losses: tuple[LossCurve, ...]
    fan: Fan
    measured: Mapping[str, float]


def benchmark(held: HoldOut) -> np.ndarray:
    """Return the net returns of equal weights over the hold-out, at the same costs."""
    return equal_weight(np.asarray(held.replay.rows.returns), cost_per_turnover=_COST)


def summary_of(outcome: Outcome) -> dict:
    """Return the run's numbers; the same seed gives the same summary, byte for byte."""
    streams = {}
    for name, held in outcome.streams.items():
        net = np.asarray(held.replay.rows.net_return)
        base = benchmark(held)
        scaled = same_volatility(net, base)
        streams[name] = {
            "engine": summarise(held.replay.rows),
            "strategy": _plain(performance(net)),
            "equal_weight": _plain(performance(base)),
            "strategy_at_benchmark_volatility": _plain(performance(scaled.net_returns)),
            "sharpe_interval": _plain(sharpe_interval(net, seed=outcome.config.seed)),
            "expected_shortfall_interval": _plain(expected_shortfall_interval(net, seed=outcome.config.seed)),
            "data_digest": held.data.digest,
        }
    return {
        "seed": outcome.config.seed,
        "config_digest": outcome.config.digest(),
        "versions": versions(),
        "router_ece": router_ece(outcome),
        "measured": dict(outcome.measured),
        "invariants": {name: _invariants(measured) for name, measured in outcome.invariants.items()},
        "streams": streams,
    }


def router_ece(outcome: Outcome) -> float:
    """Return the expected calibration error of the router on the hold-out."""
    return float(expected_calibration_error(outcome.router.probabilities, outcome.router.labels, bins=_BINS))


def _plain(record) -> dict:
    return {name: list(value) if isinstance(value, tuple) else float(value) for name, value in record._asdict().items()}


def _invariants(measured: Invariants) -> dict:
    return {
        name: {"value": float(estimate.value), "standard_error": float(estimate.standard_error)}
        for name, estimate in measured._asdict().items()
    }


def headline(name: str, summary: dict) -> tuple[HeadlineRow, ...]:
    """Return the table of one stream."""
    part = summary["streams"][name]
    engine, own, base = part["engine"], part["strategy"], part["equal_weight"]
    equal_risk = part["strategy_at_benchmark_volatility"]
    low, high = part["sharpe_interval"]["lower"], part["sharpe_interval"]["upper"]
    shares = " / ".join(f"{engine[f'{decision}_share']:.1%}" for decision in ("pass", "derisk", "block"))
    return (
        HeadlineRow("coverage", f"{engine['coverage']:.4f}", "0.9000", "share of next-bar returns inside the interval"),
        HeadlineRow("interval width", f"{engine['mean_width']:.4f}", "", "mean, in log return"),
        HeadlineRow("router ECE", f"{summary['router_ece']:.4f}", "0.05", "on hold-out windows of the basket"),
        HeadlineRow("PASS / DERISK / BLOCK", shares, "", "share of bars"),
        HeadlineRow(
            "Sharpe", f"{own['sharpe']:.2f}", f"{base['sharpe']:.2f}", f"95 % interval {low:.2f} to {high:.2f}"
        ),
        HeadlineRow(
            "ES 95 %", f"{own['expected_shortfall_95']:.2%}", f"{base['expected_shortfall_95']:.2%}", "per bar"
        ),
        HeadlineRow(
            "ES 95 % at equal volatility",
            f"{equal_risk['expected_shortfall_95']:.2%}",
            f"{base['expected_shortfall_95']:.2%}",
            "holding less is not a skill",
        ),
        HeadlineRow("max drawdown", f"{own['max_drawdown']:.1%}", f"{base['max_drawdown']:.1%}", "net of costs"),
    )


def print_tables(console: Console, summary: dict, seconds: Mapping[str, float]) -> None:
    """Print what a newcomer looks for first."""
    for name in summary["streams"]:
        table = Table(title=f"{name}: hold-out", title_justify="left")
        for column in ("", "engine", "equal weight / nominal", "note"):
            table.add_column(column)
        for row in headline(name, summary):
            table.add_row(row.name, row.value, row.benchmark, row.note)
        console.print(table)
    table = Table(title="invariants (value ± standard error)", title_justify="left")
    table.add_column("")
    for name in summary["invariants"]:
        table.add_column(name)
    for kind in Invariants._fields:
        cells = (summary["invariants"][name][kind] for name in summary["invariants"])
        table.add_row(kind, *(f"{cell['value']:.3f} ± {cell['standard_error']:.3f}" for cell in cells))
    console.print(table)
    table = Table(title="seconds per stage", title_justify="left")
    for name in (*seconds, "total"):
        table.add_column(name)
    table.add_row(*(f"{value:.1f}" for value in (*seconds.values(), sum(seconds.values()))))
    console.print(table)


def write_outputs(outcome: Outcome, summary: dict, seconds: Mapping[str, float], out: Path) -> Path:
    """Write summary, timings and report; return the report's path."""
    (out / "summary.json").write_bytes(canonical_json(summary))
    (out / "timings.json").write_bytes(canonical_json(dict(seconds)))
    thresholds = outcome.config.engine.governance
    levels = {
        "tau_pass": thresholds.kappa.tau_pass,
        "tau_derisk": thresholds.kappa.tau_derisk,
    }
    streams = tuple(
        StreamReport(
            symbol=name,
            assets=held.data.assets,
            times=held.data.times,
            close=held.data.close,
            rows=held.replay.rows,
            nominal_coverage=1.0 - outcome.config.engine.conformal.miscoverage,
            benchmark=benchmark(held),
            thresholds=levels,
            headline=headline(name, summary),
        )
        for name, held in outcome.streams.items()
    )
    first = next(iter(outcome.streams))
    content = ReportContent(
        title="AURORA quickstart",
        subtitle="Teacher, SEB+, student, router and the certified engine on hold-out years of real markets",
        headline=headline(first, summary),
        streams=streams,
        fan=outcome.fan,
        invariants=outcome.invariants,
        router=outcome.router,
        losses=outcome.losses,
        provenance={
            "run": {"seed": str(outcome.config.seed), "config digest": outcome.config.digest()},
            "data": {name: f"sha256:{held.data.digest}" for name, held in outcome.streams.items()},
            "versions": versions(),
        },
    )
    return write_report(out, content)
