"""What a run of the quickstart leaves behind: summary, report and the table on the screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from aurora_jax.backtest import equal_weight, expected_shortfall_interval, performance, same_volatility, sharpe_interval
from aurora_jax.config import QuickstartConfig
from aurora_jax.core import Estimate, Invariants
from aurora_jax.core import Outcome as Code
from aurora_jax.data import MarketData
from aurora_jax.engine import canonical_json, versions
from aurora_jax.inference import debiased_calibration_error, expected_calibration_error
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
from scripts.calibrate import Calm

_BINS = 10
_RULE = AccountRule()
_COST = float(_RULE.commission) + float(_RULE.half_spread)


class HoldOut(NamedTuple):
    """One stream's hold-out: the whole market, its last period, and what the engine made of it."""

    market: MarketData
    data: MarketData
    calm: Calm
    replay: Replay


class Outcome(NamedTuple):
    """Everything that a finished run has to tell; `asked` are its settings before levels were found."""

    asked: QuickstartConfig
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
            "calm": {
                "pass_share": held.calm.pass_share,
                "outcome": held.calm.outcome.name,
                "levels": outcome.config.engine.streams[name].model_dump()["levels"],
            },
            "hold_out_digest": held.data.digest,
            "data_digest": held.market.digest,
        }
    return {
        "seed": outcome.config.seed,
        "config_digest": outcome.asked.digest(),
        "calibrated_config_digest": outcome.config.digest(),
        "versions": versions(),
        "nominal_coverage": 1.0 - outcome.config.engine.conformal.miscoverage,
        "router": router_calibration(outcome.router),
        "measured": dict(outcome.measured),
        "invariants": {name: _invariants(measured) for name, measured in outcome.invariants.items()},
        "streams": streams,
    }


def router_calibration(router: RouterReport) -> dict:
    """Return the router's calibration on the hold-out: few windows make any router look worse than it is."""
    plain = expected_calibration_error(router.probabilities, router.labels, bins=_BINS)
    debiased = debiased_calibration_error(router.probabilities, router.labels, bins=_BINS)
    return {"ece": float(plain), "debiased_ece": float(debiased), "windows": len(router.labels)}


def _plain(record) -> dict:
    return {name: list(value) if isinstance(value, tuple) else float(value) for name, value in record._asdict().items()}


def _invariants(measured: Invariants) -> dict:
    return {name: _estimate(estimate) for name, estimate in measured._asdict().items()}


def _estimate(estimate: Estimate) -> dict:
    """Return an estimate as plain numbers; one that cannot be had has none, and says why."""
    outcome = Code(int(estimate.outcome))
    known = outcome is Code.OK
    return {
        "value": float(estimate.value) if known else None,
        "standard_error": float(estimate.standard_error) if known else None,
        "outcome": outcome.name,
    }


def headline(name: str, summary: dict) -> tuple[HeadlineRow, ...]:
    """Return the table of one stream."""
    part = summary["streams"][name]
    engine, own, base = part["engine"], part["strategy"], part["equal_weight"]
    equal_risk, router, calm = part["strategy_at_benchmark_volatility"], summary["router"], part["calm"]
    low, high = part["sharpe_interval"]["lower"], part["sharpe_interval"]["upper"]
    shares = " / ".join(f"{engine[f'{decision}_share']:.1%}" for decision in ("pass", "derisk", "block"))
    found = "" if calm["outcome"] == "OK" else f" ({calm['outcome']})"

    def compare(title, field, form, note):
        return HeadlineRow(title, format(own[field], form), format(base[field], form), note)

    return (
        HeadlineRow(
            "coverage",
            f"{engine['coverage']:.4f}",
            f"{summary['nominal_coverage']:.4f}",
            "share of next-bar returns inside the interval",
        ),
        HeadlineRow("interval width", f"{engine['mean_width']:.4f}", "", "mean, in log return"),
        HeadlineRow(
            "router ECE",
            f"{router['ece']:.4f}",
            "",
            f"debiased {router['debiased_ece']:.4f}; {router['windows']} hold-out windows of the basket",
        ),
        HeadlineRow("PASS / DERISK / BLOCK", shares, "", f"of bars; calm years: PASS {calm['pass_share']:.0%}{found}"),
        HeadlineRow("in transition", f"{engine['transition_share']:.1%}", "", "of bars"),
        compare("Sharpe", "sharpe", ".2f", f"95 % interval {low:.2f} to {high:.2f}"),
        compare("ES 95 %", "expected_shortfall_95", ".2%", "per bar"),
        HeadlineRow(
            "ES 95 % at equal volatility",
            f"{equal_risk['expected_shortfall_95']:.2%}",
            f"{base['expected_shortfall_95']:.2%}",
            "holding less is not a skill",
        ),
        compare("max drawdown", "max_drawdown", ".1%", "net of costs"),
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
        table.add_row(kind, *(_cell(cell) for cell in cells))
    console.print(table)
    table = Table(title="seconds per stage", title_justify="left")
    for name in (*seconds, "total"):
        table.add_column(name)
    table.add_row(*(f"{value:.1f}" for value in (*seconds.values(), sum(seconds.values()))))
    console.print(table)


def _cell(estimate: dict) -> str:
    if estimate["value"] is None:
        return Code[estimate["outcome"]].message
    return f"{estimate['value']:.3f} ± {estimate['standard_error']:.3f}"


def write_outputs(outcome: Outcome, summary: dict, seconds: Mapping[str, float], out: Path) -> Path:
    """Write summary, timings and report; return the report's path."""
    (out / "summary.json").write_bytes(canonical_json(summary))
    (out / "timings.json").write_bytes(canonical_json(dict(seconds)))
    levels = outcome.config.engine.streams
    streams = tuple(
        StreamReport(
            symbol=name,
            assets=held.data.assets,
            times=held.data.times,
            close=held.data.close,
            rows=held.replay.rows,
            nominal_coverage=summary["nominal_coverage"],
            benchmark=benchmark(held),
            thresholds=levels[name].model_dump(include={"levels": {"tau_pass", "tau_derisk"}})["levels"],
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
            "run": {"seed": str(outcome.config.seed), "config digest": outcome.asked.digest()},
            "data": {name: f"sha256:{held.market.digest}" for name, held in outcome.streams.items()},
            "versions": versions(),
        },
    )
    return write_report(out, content)
