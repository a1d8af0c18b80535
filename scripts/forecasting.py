"""The forecast study of a student from its settings to its folder."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import ConfigError, StudentConfig
from aurora_jax.data import MarketData, split, write_bytes_whole
from aurora_jax.engine import canonical_json, file_digest, load_student
from aurora_jax.report import forecast_page, forecast_verdict, gains_figure, picture, transforms_figure
from aurora_jax.study import (
    AbstractForecast,
    ForecastScores,
    default_lags,
    differences,
    ewma_t_forecast,
    garch_t_forecast,
    gjr_garch_t_forecast,
    historical_forecast,
    scale_law_forecast,
    score_forecast,
    student_forecast,
)
from scripts.teaching import market_of

STUDENT = "student"
LAW = "its scale law alone"


def study(config: StudentConfig, folder: Path, out: Path, *, historical_bars: int, console: Console) -> dict:
    """Forecast the test period with all, score, and leave numbers, figures and a page in `out`.

    Args:
        config: what the student was trained with.
        folder: of the student.
        out: folder of the study.
        historical_bars: of the historical quantiles.
        console: for what is going on.
    """
    enable_x64()
    market = market_of(config)
    told = _require_same(config, market, folder)
    student = load_student(folder)
    out.mkdir(parents=True, exist_ok=True)
    periods = split(market, **config.periods.model_dump())
    returns = np.asarray(market.log_returns(), float)
    # The return that ends at a bar is that of the bar before it in this table.
    first = int(np.searchsorted(market.times, periods.test.times[0])) - 1
    observed, counted = returns[first:], ~market.imputed[1:][first:]
    # Rivals may use the validation years as well, which have chosen the student's weights.
    known_bars = int(np.searchsorted(market.times, periods.validation.times[-1]))
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(observed):,} test bars of {len(market.assets)} assets, from "
        f"{_date(periods.test, 0)} to {_date(periods.test, -1)}"
    )
    freedom = told["degrees_of_freedom"]["scale law"]
    makers = {
        STUDENT: lambda: student_forecast(student, market, first=first),
        LAW: lambda: scale_law_forecast(student, market, first=first, degrees_of_freedom=freedom),
        **_rivals(returns, first=first, training_bars=known_bars, historical_bars=historical_bars),
    }
    scores = _score_all(makers, observed, counted, console)
    rivals = {name: found for name, found in scores.items() if name != STUDENT}
    result = {
        "market": market.symbol,
        "assets": len(market.assets),
        "bars": len(observed),
        "first": _date(periods.test, 0),
        "last": _date(periods.test, -1),
        "lags": default_lags(len(observed)),
        "scores": {name: _told(found) for name, found in scores.items()},
        "differences": {
            rival: {score: gap._asdict() for score, gap in found.items()}
            for rival, found in differences(scores[STUDENT], rivals).items()
        },
        "provenance": _provenance(config, folder, market, historical_bars),
    }
    write_bytes_whole(canonical_json(result), out / "forecasts.json")
    _publish(result, scores, periods.test.times[counted.any(axis=1)], out)
    console.print(_scores_table(scores))
    console.print(_duels_table(result["differences"]))
    console.print(forecast_verdict(result["differences"]))
    console.print(f"page {out / 'forecasts.html'}; numbers in forecasts.json beside it", soft_wrap=True)
    return result


def _require_same(config: StudentConfig, market: MarketData, folder: Path) -> dict:
    """Return the record of a student's training, and refuse one of other periods or data.

    Bars that it was trained on would count as held out.

    Raises:
        ConfigError: says what differs; also if the record of its training is not there.
    """
    record = folder / "summary.json"
    if not record.exists():
        raise ConfigError(f"{record} is missing: it says which bars the student was trained on; train it again.")
    told = json.loads(record.read_text())
    periods = config.periods.model_dump(mode="json")
    if told["config"]["periods"] != periods:
        raise ConfigError(
            f"{folder} was trained with periods {told['config']['periods']}, not {periods}: give the "
            "student's own configuration."
        )
    if told["data"]["sha256"] != market.digest:
        raise ConfigError(f"{folder} was trained on other data than {market.source}: give its own, or train it again.")
    return told


def _rivals(
    returns: np.ndarray, *, first: int, training_bars: int, historical_bars: int
) -> dict[str, Callable[[], AbstractForecast]]:
    where, window_bars = {"training_bars": training_bars, "first": first}, min(historical_bars, first)
    return {
        "GARCH(1,1)-t": lambda: garch_t_forecast(returns, **where),
        "GJR-GARCH-t (arch)": lambda: gjr_garch_t_forecast(returns, **where),
        "EWMA-t": lambda: ewma_t_forecast(returns, **where),
        f"historical, {window_bars} bars": lambda: historical_forecast(returns, first=first, window_bars=window_bars),
    }


def _score_all(makers, observed: np.ndarray, counted: np.ndarray, console: Console) -> dict[str, ForecastScores]:
    scores = {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("forecast", total=len(makers))
        for name, make in makers.items():
            progress.update(task, description=name)
            scores[name] = score_forecast(make(), observed, counted)
            progress.advance(task)
        progress.update(task, description="forecast")
    return scores


def _publish(result: dict, scores: dict[str, ForecastScores], times: np.ndarray, out: Path) -> None:
    own = scores[STUDENT].losses
    gains = {
        name: {
            rival: found.losses[name] - own[name]
            for rival, found in scores.items()
            if rival != STUDENT and name in found.losses
        }
        for name in ("CRPS", "NLL")
    }
    figures = {
        "gains": gains_figure(times.astype("datetime64[s]"), gains),
        "transforms": transforms_figure({name: found.histogram for name, found in scores.items()}),
    }
    pictures = {name: picture(figure) for name, figure in figures.items()}
    for name, drawn in pictures.items():
        write_bytes_whole(drawn.png, out / f"{name}.png")
    write_bytes_whole(forecast_page(result, pictures).encode(), out / "forecasts.html")


def _told(found: ForecastScores) -> dict[str, object]:
    return {
        "means": found.means,
        "levels": {f"{100 * level:.0f} %": share for level, share in found.levels.items()},
        "histogram": found.histogram.tolist(),
        "kolmogorov_smirnov": found.kolmogorov_smirnov,
    }


def _provenance(config: StudentConfig, folder: Path, market: MarketData, historical_bars: int) -> dict[str, dict]:
    return {
        "settings": {"config digest": config.digest(), "historical bars": historical_bars},
        "data": {"source": market.source, "licence": market.licence, "SHA-256": market.digest},
        "student": {"SHA-256": file_digest(folder, "student")},
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
    }


def _date(market: MarketData, place: int) -> str:
    return str(np.datetime64(int(market.times[place]), "s")).replace("T00:00:00", "")


def _scores_table(scores: dict[str, ForecastScores]) -> Table:
    table = Table("forecaster", "CRPS, bp", "NLL, nats", "KS", title="Scores; less is better")
    for name, found in scores.items():
        likelihood = f"{found.means['NLL']:.4f}" if "NLL" in found.means else "-"
        table.add_row(name, f"{1e4 * found.means['CRPS']:.3f}", likelihood, f"{found.kolmogorov_smirnov:.4f}")
    return table


def _duels_table(found: dict[str, dict[str, dict[str, float]]]) -> Table:
    table = Table("rival", "CRPS", "p", "NLL", "p", title="Student less rival")
    for rival, scores in found.items():
        crps, likelihood = scores["CRPS"], scores.get("NLL")
        cells = [f"{100 * crps['relative']:+.2f} %", f"{crps['p_value']:.2g}"]
        cells += (
            ["-", "-"] if likelihood is None else [f"{likelihood['difference']:+.4f}", f"{likelihood['p_value']:.2g}"]
        )
        table.add_row(rival, *cells)
    return table
