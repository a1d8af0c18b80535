"""The comparison of conformal methods from its series to its folder, a part at a time."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.core import root_key, stream
from aurora_jax.data import load_packaged, write_bytes_whole
from aurora_jax.engine import canonical_json
from aurora_jax.report import (
    conformal_page,
    conformal_scores_figure,
    conformal_summary,
    conformal_time_figure,
    conformal_verdict,
    picture,
)
from aurora_jax.study import (
    IntervalMeasures,
    ScoredSeries,
    bounds_of,
    contestants,
    interval_measures,
    rolling_mean,
    scored_forecasts,
    scored_returns,
    simulated_shift,
)
from aurora_jax.training import code_digest
from scripts.parts import kept

_DECIDING = ("certification", "core", "study")
MISCOVERAGE, BURN_IN_BARS, ROLLING_BARS = 0.1, 100, 500
_FORECASTERS = ("ar", "prophet", "theta", "transformer")
_SHOWN = ("elec2 transformer", "S&P 500")
_POINTS = 400  # of a drawn curve


def study(groups: Sequence[str], seed: int, data: Path, out: Path, *, console: Console) -> dict:
    """Run every method over every series and leave numbers, figures and page in `out`.

    Args:
        groups: names of groups of series; all that there is data for if none.
        seed: of the simulated series.
        data: folder of the files that do not come with the project.
        out: folder of the study.
        console: for what is going on.

    Raises:
        ValueError: if there is no such group, or its file is not there.
    """
    loaders = groups_of(seed, data)
    unknown = [name for name in groups if name not in loaders]
    if unknown:
        raise ValueError(f"no group {unknown[0]!r}; there are {', '.join(loaders)}.")
    present = {name: load for name, (load, file) in loaders.items() if file is None or file.exists()}
    absent = [name for name in groups or loaders if name not in present]
    if absent and groups:
        raise ValueError(f"group {absent[0]} needs {loaders[absent[0]][1]}, which is not there; see --data.")
    if absent:
        console.print(f"left out, as {data} does not hold their files: {', '.join(absent)}")
    enable_x64()
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    found, curves = {}, {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("series", total=len(groups or present))
        for name in groups or present:
            progress.update(task, description=name)
            series = present[name]()
            part = kept(parts / f"{name}.json", settings_of(series), lambda s=series: _part(s))
            found |= {one: {"group": name, "methods": told} for one, told in part["series"].items()}
            curves |= part["curves"]
            progress.advance(task)
    result = {
        "series": found,
        "curves": curves,
        "miscoverage": MISCOVERAGE,
        "burn_in_bars": BURN_IN_BARS,
        "rolling_bars": ROLLING_BARS,
        "provenance": {"settings": {"seed": seed, "data": str(data)}, "versions": {"aurora_jax": __version__}},
    }
    _publish(result, out, console)
    return result


def groups_of(seed: int, data: Path) -> Mapping[str, tuple[Callable[[], list[ScoredSeries]], Path | None]]:
    """Return for each group how its series are had, and the file it needs if it does not come with the project."""
    public = {name: data / "conformal" / f"{name}.parquet" for name in ("elec2", "changepoint")}
    minute, hourly = data / "btc_perp_1m_2022-01.parquet", data / "binance_1h_close_2017-2021.parquet"
    return {
        **{name: (lambda n=name, f=file: _public(n, f), file) for name, file in public.items()},
        "sp500": (lambda: _packaged("sp500", "S&P 500"), None),
        "us20": (lambda: _packaged("us20"), None),
        "minute": (lambda: [_closes("BTC 1-minute", "minute", pd.read_parquet(minute))], minute),
        "coins": (lambda: _coins(pd.read_parquet(hourly)), hourly),
        "simulated": (lambda: _simulated(seed), None),
    }


def settings_of(series: Sequence[ScoredSeries]) -> dict:
    """Return what a part that an earlier run has left must have been made with, scores and code included."""
    content = hashlib.sha256()
    for one in series:
        content.update(one.name.encode() + np.ascontiguousarray(one.scores).tobytes())
        content.update(np.ascontiguousarray(one.scales).tobytes())
    return {"scores": content.hexdigest(), "version": __version__, "code": code_digest(packages=_DECIDING)}


def _public(name: str, file: Path) -> list[ScoredSeries]:
    table = pd.read_parquet(file)
    observed = table["y"].to_numpy()
    return [
        scored_forecasts(f"{name} {model}", name, observed, table[f"forecast_{model}"].to_numpy())
        for model in _FORECASTERS
    ]


def _packaged(name: str, shown: str | None = None) -> list[ScoredSeries]:
    market = load_packaged(name)
    returns = market.log_returns()
    return [scored_returns(shown or asset, name, returns[:, i]) for i, asset in enumerate(market.assets)]


def _closes(name: str, group: str, table: pd.DataFrame) -> ScoredSeries:
    """Score the changes of the log close; hours that are missing are not filled, their change counts as one bar's."""
    rows = table.drop_duplicates("timestamp", keep="last").sort_values("timestamp")
    return scored_returns(name, group, np.diff(np.log(rows["close"].to_numpy())))


def _coins(table: pd.DataFrame) -> list[ScoredSeries]:
    return [_closes(str(symbol), "coins", rows) for symbol, rows in table.groupby("symbol")]


def _simulated(seed: int) -> list[ScoredSeries]:
    key = root_key(seed)
    return [simulated_shift(f"simulated {i}", stream(key, "conformal", str(i))) for i in range(4)]


def _part(series: Sequence[ScoredSeries]) -> dict:
    """Run all methods; series of one length go beside each other."""
    methods = contestants(MISCOVERAGE)
    told = {one.name: {} for one in series}
    curves = {one.name: {} for one in series if one.name in _SHOWN}
    for bars in dict.fromkeys(len(one.scores) for one in series):
        together = [one for one in series if len(one.scores) == bars]
        scores = np.stack([one.scores for one in together], axis=1)
        for name, method in methods.items():
            bounds = bounds_of(method, scores)
            for place, one in enumerate(together):
                measures = interval_measures(
                    one.scores,
                    one.scales,
                    bounds[:, place],
                    miscoverage=MISCOVERAGE,
                    burn_in_bars=BURN_IN_BARS,
                    rolling_bars=ROLLING_BARS,
                )
                told[one.name][name] = {key: _written(value) for key, value in measures._asdict().items()}
                if one.name in curves:
                    curves[one.name][name] = _curve(one, bounds[:, place])
    return {"series": told, "curves": curves}


def _written(value: float) -> float | None:
    """Return what JSON can hold: no number for an infinite one."""
    return value if np.isfinite(value) else None


def _curve(series: ScoredSeries, bounds: np.ndarray) -> dict:
    """Return rolling coverage and median width, thinned to what a figure shows; JSON knows no infinity."""
    covered = (series.scores <= bounds)[BURN_IN_BARS:].astype(float)
    coverage = rolling_mean(covered, ROLLING_BARS)
    places = np.unique(np.linspace(0, len(coverage) - 1, _POINTS).astype(int))
    half = (np.maximum(bounds, 0.0) * series.scales)[BURN_IN_BARS:]
    width = [2.0 * np.median(half[place : place + ROLLING_BARS]) for place in places]
    return {
        "bar": (places + BURN_IN_BARS + ROLLING_BARS).tolist(),
        "coverage": coverage[places].tolist(),
        "width": [_written(float(one)) for one in width],
    }


def measures_of(result: dict) -> dict[str, dict[str, IntervalMeasures]]:
    """Return the measures by series and method as records, in the order of groups and methods: JSON keeps none."""

    def read(told: dict[str, Any]) -> IntervalMeasures:
        values: dict[str, Any] = {key: np.inf if value is None else value for key, value in told.items()}
        return IntervalMeasures(**values)

    groups, methods = list(groups_of(0, Path())), contestants(MISCOVERAGE)
    ordered = sorted(result["series"].items(), key=lambda item: groups.index(item[1]["group"]))
    return {series: {name: read(found["methods"][name]) for name in methods} for series, found in ordered}


def _publish(result: dict, out: Path, console: Console) -> None:
    write_bytes_whole(canonical_json(result), out / "conformal.json")
    found = measures_of(result)
    groups = {series: result["series"][series]["group"] for series in found}
    pictures = {"scores": picture(conformal_scores_figure(found, groups))}
    if result["curves"]:
        pictures["time"] = picture(conformal_time_figure(result["curves"], 1.0 - result["miscoverage"]))
    for name, drawn in pictures.items():
        write_bytes_whole(drawn.png, out / f"{name}.png")
    write_bytes_whole(conformal_page(result, found, groups, pictures).encode(), out / "conformal.html")
    console.print(_table(found, groups))
    console.print(conformal_verdict(found, groups, miscoverage=result["miscoverage"]))
    console.print(f"page {out / 'conformal.html'}; numbers in conformal.json beside it", soft_wrap=True)


def _table(found: dict[str, dict[str, IntervalMeasures]], groups: dict[str, str]) -> Table:
    table = Table("series", "method", title="Conformal methods on the same scores, alpha = .1")
    for name in ("coverage", "width", "infinite", "worst 500", "score / best"):
        table.add_column(name, justify="right")
    for row, lines in conformal_summary(found, groups).items():
        for place, line in enumerate(lines):
            table.add_row(row if place == 0 else "", *line.cells)
        table.add_section()
    return table
