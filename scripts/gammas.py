"""A gamma grid from an artifact and a history to its folder."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from aurora_jax import enable_x64
from aurora_jax.data import to_iso, write_bytes_whole
from aurora_jax.engine import build, load_artifact
from aurora_jax.report import gamma_figure, picture
from aurora_jax.study import GammaPoint, efficient, gamma_grid, least_cvar
from scripts.explaining import history_up_to, stream_for
from scripts.teaching import market_named


class Asked(NamedTuple):
    """What is to be compared.

    Attributes:
        artifact: folder.
        symbol: stream of it; None takes the first that fits the data.
        data: the stream's bars.
        since: first bar; None takes the first of the data.
        gammas: the grid.
        first_share: of the bars, which choose; the others report.
        sharpe_min: least Sharpe ratio that may be chosen.
        pass_share: of the first period's bars, asked of every gamma.
        bars_per_year: of the stream.
    """

    artifact: Path
    symbol: str | None
    data: str
    since: str | None
    gammas: list[float]
    first_share: float
    sharpe_min: float
    pass_share: float
    bars_per_year: float


def study(asked: Asked, out: Path, *, console: Console) -> dict:
    """Replay the history at each gamma, choose one on its first period, and leave numbers and figure in `out`.

    Raises:
        ArtifactError: if the artifact cannot be read or has no such stream.
        DataError: if the data cannot be read or lacks an asset of the stream.
        ValueError: if the grid or a period is none; names the value.
    """
    enable_x64()
    artifact, market = load_artifact(asked.artifact), market_named(asked.data)
    symbol = stream_for(market, artifact.config.streams, symbol=asked.symbol)
    history = history_up_to(None, market, artifact.config.streams[symbol]).between(asked.since, None)
    first = int(asked.first_share * len(history.times))
    points: list[GammaPoint] = []
    with Progress(console=console) as progress:
        task = progress.add_task(f"replaying {len(history.times):,} bars of {symbol}", total=len(asked.gammas))
        for point in gamma_grid(
            build(artifact.config, artifact, symbol=symbol),
            history.bars(),
            first_period_bars=first,
            gammas=asked.gammas,
            pass_share=asked.pass_share,
            bars_per_year=asked.bars_per_year,
        ):
            points.append(point)
            progress.advance(task)
    result = judged(points, sharpe_min=asked.sharpe_min)
    result |= {
        "artifact": str(asked.artifact),
        "stream": symbol,
        "pass_share_asked": asked.pass_share,
        "periods": {
            "chooses": [to_iso(history.times[0]), to_iso(history.times[first - 1])],
            "reports": [to_iso(history.times[first]), to_iso(history.times[-1])],
        },
    }
    _publish(result, out, console)
    return result


def judged(points: list[GammaPoint], *, sharpe_min: float) -> dict:
    """Return the grid as plain numbers, with its Pareto front and the choice, both of the first period."""
    cvar, sharpe = (np.array([getattr(point.chosen_on, name) for point in points]) for name in ("cvar_95", "sharpe"))
    place = least_cvar(cvar, sharpe, sharpe_min=sharpe_min)
    return {
        "sharpe_min": sharpe_min,
        "chosen_gamma": None if place is None else points[place].gamma,
        "grid": [
            {
                "gamma": point.gamma,
                "efficient": bool(front),
                "thresholds": point.thresholds.name,
                "chooses": point.chosen_on._asdict(),
                "reports": point.reported_on._asdict(),
            }
            for point, front in zip(points, efficient(cvar, sharpe), strict=True)
        ],
    }


def _publish(result: dict, out: Path, console: Console) -> None:
    grid = result["grid"]
    gammas = [row["gamma"] for row in grid]
    chooses, reports = (
        np.array([[row[period]["sharpe"], row[period]["cvar_95"]] for row in grid]) for period in ("chooses", "reports")
    )
    figure = gamma_figure(
        gammas,
        chooses,
        reports,
        efficient=[row["efficient"] for row in grid],
        chosen=gammas.index(result["chosen_gamma"]) if result["chosen_gamma"] is not None else None,
        sharpe_min=result["sharpe_min"],
    )
    out.mkdir(parents=True, exist_ok=True)
    write_bytes_whole(json.dumps(result, indent=1).encode(), out / "gamma.json")
    write_bytes_whole(picture(figure).png, out / "gamma.png")
    console.print(_table(result))
    found = result["chosen_gamma"]
    console.print(
        f"no gamma reaches a Sharpe ratio of {result['sharpe_min']:g} on the first period"
        if found is None
        else f"gamma {found:g} has the least CVaR on the first period, of those with a Sharpe ratio of "
        f"{result['sharpe_min']:g} or more"
    )
    console.print(f"numbers and figure in {out}", soft_wrap=True)


def _table(result: dict) -> Table:
    table = Table("gamma", "front", "thresholds", title=f"{result['stream']}: first period -> second")
    for name in ("CVaR 95 %, a bar", "Sharpe, a year", "max drawdown", "PASS", "DERISK", "BLOCK"):
        table.add_column(name, justify="right")
    for row in result["grid"]:
        one, two = row["chooses"], row["reports"]
        cells = [f"{100 * one['cvar_95']:.3f} -> {100 * two['cvar_95']:.3f} %"]
        cells.append(f"{one['sharpe']:.2f} -> {two['sharpe']:.2f}")
        for name in ("max_drawdown", "pass_share", "derisk_share", "block_share"):
            cells.append(f"{100 * one[name]:.1f} -> {100 * two[name]:.1f} %")
        table.add_row(f"{row['gamma']:g}", "*" if row["efficient"] else "", row["thresholds"], *cells)
    return table
