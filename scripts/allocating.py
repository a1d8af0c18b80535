"""The walk-forward of portfolios from its settings to its folder, a part at a time."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.core import Outcome
from aurora_jax.data import MarketData, load_packaged, write_bytes_whole
from aurora_jax.engine import canonical_json
from aurora_jax.report import (
    allocation_cells,
    allocation_columns,
    allocation_page,
    allocation_verdict,
    frontier_figure,
    growth_figure,
    picture,
    radius_figure,
)
from aurora_jax.study import (
    EQUAL_WEIGHT,
    MINIMUM_VARIANCE,
    Account,
    Bounds,
    allocation_targets,
    compare_rules,
    decision_bars,
    follow_weights,
    known_at,
    robust_name,
    rule_names,
    window_frontier,
)
from aurora_jax.training import code_digest
from scripts.parts import kept

MULTIPLES = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
BOUNDS = {"long short": Bounds(-0.2, 0.5), "long only": Bounds(0.0, 0.5)}
_DECISIONS_A_PART = 48
_DECIDING = ("certification", "core", "optimise", "study")
_LEAST_BARS = 250  # of a period: a year, less says nothing about a tail of 5 %


class Asked(NamedTuple):
    """Settings of the study, as the command's options say."""

    window_bars: int
    rebalance_bars: int
    multiples: tuple[float, ...]
    tail_probability: float
    cost_per_turnover: float
    start: str | None
    reported_from: str
    resamples: int
    seed: int


def study(asked: Asked, out: Path, *, console: Console) -> dict:
    """Choose, hold, score, and leave numbers, figures and page in `out`.

    Raises:
        ValueError: if a period is too short to be scored.
    """
    enable_x64()
    market = load_packaged("us20").between(asked.start, None)
    returns = np.diff(market.close, axis=0) / market.close[:-1]
    decisions = decision_bars(len(returns), window_bars=asked.window_bars, rebalance_bars=asked.rebalance_bars)
    dates = market.times[1:].astype("datetime64[s]").astype("datetime64[D]")[decisions[0] :]
    reported = _reported(dates, asked)
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(decisions)} choices, {np.sum(~reported):,} days choose the radius, "
        f"{np.sum(reported):,} are reported"
    )
    chosen = _all_weights(asked, market, returns, decisions, out, console)
    bounds, accounts = {}, {}
    with console.status("bootstrap"):
        for name, (weights, solver) in chosen.items():
            accounts[name] = _accounts(asked, returns, decisions, weights)
            robust = [robust_name(multiple) for multiple in asked.multiples]
            told = compare_rules(accounts[name], robust, reported, seed=asked.seed, resamples=asked.resamples)
            bounds[name] = BOUNDS[name]._asdict() | {"solver": solver} | told
    result = {
        "market": market.symbol,
        "assets": len(market.assets),
        "first": str(dates[0]),
        "last": str(dates[-1]),
        "reported_from": str(dates[reported][0]),
        "multiples": list(asked.multiples),
        "cost_per_turnover": asked.cost_per_turnover,
        "bounds": bounds,
        "provenance": {
            "settings": asked._asdict() | {"multiples": ", ".join(f"{m:g}" for m in asked.multiples)},
            "data": {"source": market.source, "licence": market.licence, "SHA-256": market.digest},
            "versions": {"aurora_jax": __version__},
        },
    }
    _publish(result, accounts, dates, reported, returns[-asked.window_bars :], out, console)
    return result


def _reported(dates: np.ndarray, asked: Asked) -> np.ndarray:
    """Return which days are reported, and refuse periods too short to be scored."""
    reported = dates >= np.datetime64(asked.reported_from)
    for name, days in (("before", int(np.sum(~reported))), ("from", int(np.sum(reported)))):
        if days < _LEAST_BARS:
            raise ValueError(
                f"{days} days {name} {asked.reported_from} cannot be scored, {_LEAST_BARS} are needed; weights are "
                f"held from {dates[0]} to {dates[-1]}: choose another --reported-from or --start."
            )
    return reported


def _all_weights(asked: Asked, market: MarketData, returns, decisions, out: Path, console: Console) -> dict:
    """Choose weights under each pair of bounds, or take what an earlier run has left under the same settings."""
    parts, code = out / "parts", code_digest(packages=_DECIDING)
    parts.mkdir(parents=True, exist_ok=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    chosen = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("choices", total=len(BOUNDS) * len(decisions))
        for name, bounds in BOUNDS.items():
            progress.update(task, description=f"choices, {name}")
            blocks = []
            for first in range(0, len(decisions), _DECISIONS_A_PART):
                block = decisions[first : first + _DECISIONS_A_PART]
                path = parts / f"{name.replace(' ', '_')}_{first:04d}.json"
                settings = _part_settings(asked, market, bounds, block, code)
                made = functools.partial(_made, asked, returns, block, bounds, progress, task)
                blocks.append(kept(path, settings, made))
                progress.update(task, completed=list(BOUNDS).index(name) * len(decisions) + first + len(block))
            weights = np.concatenate([np.array(block["weights"]) for block in blocks])
            solver = {
                "asked": len(decisions) * len(asked.multiples),
                "solved": sum(block["solved"] for block in blocks),
                "repaired": sum(block["repaired"] for block in blocks),
                "largest_gap": max(block["largest_gap"] for block in blocks),
            }
            chosen[name] = weights, solver
    return chosen


def _part_settings(asked: Asked, market: MarketData, bounds: Bounds, block: np.ndarray, code: str) -> dict:
    """Return what weights that an earlier run has left must have been made with, the code included."""
    of_weights = ("window_bars", "multiples", "tail_probability")
    told = {name: getattr(asked, name) for name in of_weights}
    data = {"bounds": bounds, "decisions": block.tolist(), "data": market.digest}
    return told | data | {"version": __version__, "code": code}


def _made(asked: Asked, returns, block, bounds: Bounds, progress: Progress, task) -> dict:
    assets, radii = returns.shape[1], len(asked.multiples)
    previous = np.full((radii, assets), 1.0 / assets)
    found = []
    for bar in block:
        window = known_at(bar, returns, window_bars=asked.window_bars)
        one = allocation_targets(window, asked.multiples, bounds, previous, tail_probability=asked.tail_probability)
        previous = one.weights[:radii]
        found.append(one)
        progress.advance(task)
    return {
        "weights": [one.weights.tolist() for one in found],
        "solved": sum(outcome == Outcome.OK for one in found for outcome in one.outcomes),
        "repaired": sum(one.repaired for one in found),
        "largest_gap": max(one.largest_gap for one in found),
    }


def _accounts(asked: Asked, returns, decisions, weights: np.ndarray) -> dict[str, Account]:
    return {
        name: follow_weights(returns, decisions, weights[:, place], cost_per_turnover=asked.cost_per_turnover)
        for place, name in enumerate(rule_names(asked.multiples))
    }


def _publish(result: dict, accounts: dict, dates, reported, window, out: Path, console: Console) -> None:
    write_bytes_whole(canonical_json(result), out / "allocation.json")
    pictures = {}
    for name, found in result["bounds"].items():
        robust = [robust_name(multiple) for multiple in result["multiples"]]
        rivals = [MINIMUM_VARIANCE, EQUAL_WEIGHT]
        shown = list(dict.fromkeys([found["chosen"]["shortfall"], robust[0], *rivals]))
        curves = {rule: accounts[name][rule].net_returns for rule in shown}
        figures = {
            "radius": radius_figure(result["multiples"], robust, found["periods"], rivals),
            "growth": growth_figure(dates.astype("datetime64[s]"), curves, reported_from=dates[reported][0]),
            "frontier": frontier_figure(
                *window_frontier(
                    window,
                    np.linspace(0.0, 3.0, 31),
                    BOUNDS[name],
                    tail_probability=result["provenance"]["settings"]["tail_probability"],
                )
            ),
        }
        pictures[name] = {figure: picture(drawn) for figure, drawn in figures.items()}
        for figure, drawn in pictures[name].items():
            write_bytes_whole(drawn.png, out / f"{figure}_{name.replace(' ', '_')}.png")
        console.print(_table(name, found))
        console.print(allocation_verdict(found))
    write_bytes_whole(allocation_page(result, pictures).encode(), out / "allocation.html")
    console.print(f"page {out / 'allocation.html'}; numbers in allocation.json beside it", soft_wrap=True)


def _table(name: str, found: dict) -> Table:
    table = Table("rule", *allocation_columns(), title=f"{name}, reported period")
    for rule, told in found["periods"]["reported"].items():
        table.add_row(("* " if rule == found["chosen"]["shortfall"] else "") + rule, *allocation_cells(told))
    return table
