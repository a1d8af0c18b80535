"""The held-out study of a teacher from its settings to its folder."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import TeacherConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import MarketData, split, write_bytes_whole
from aurora_jax.engine import canonical_json, file_digest, load_teacher
from aurora_jax.report import (
    distances_figure,
    invariants_figure,
    memory_figure,
    picture,
    quantile_figure,
    study_page,
    verdict,
)
from aurora_jax.signatures import SignatureKernel, signature_kernel
from aurora_jax.study import (
    AbstractMarketModel,
    Distance,
    HeldOut,
    InvariantRow,
    TaughtMarket,
    compare,
    fit_garch_copula,
    fit_gaussian,
    held_out_windows,
    invariant_table,
    nearer,
)
from aurora_jax.teacher import PathView, known_before, path_view
from aurora_jax.training import read_volatility
from scripts.teaching import market_of

LONG_BARS = 512
"""Bars of the windows that invariants are measured over."""
LONG_COPIES = 24


class Prepared(NamedTuple):
    """A market cut into what models were fitted on and what none has seen, and the models.

    Attributes:
        market: the whole.
        training: log returns that models were fitted on.
        short: windows whose paths are compared.
        long: windows whose invariants are measured.
        teachers: folder of each teacher.
        models: teachers and rivals, by name.
    """

    market: MarketData
    training: Float[np.ndarray, "bars assets"]
    short: HeldOut
    long: HeldOut
    teachers: dict[str, Path]
    models: dict[str, AbstractMarketModel]


def study(
    config: TeacherConfig,
    find_teachers: Callable[[MarketData], dict[str, Path]],
    out: Path,
    *,
    console: Console,
    window_bars: int,
    copies: int,
    depth: int,
    seed: int,
) -> dict:
    """Fit the simpler markets, simulate the test years with all, and leave numbers, figures and a page in `out`.

    Args:
        config: what the teachers were trained with.
        find_teachers: returns the folder of each teacher by its name, one of them "teacher", given the market.
        out: folder of the study.
        console: for what is going on.
        window_bars: bars of a held-out window.
        copies: simulated twins of each window.
        depth: of the signatures.
        seed: of the simulations.
    """
    enable_x64()
    out.mkdir(parents=True, exist_ok=True)
    found = _prepare(config, find_teachers, window_bars=window_bars, console=console)
    root = root_key(seed)
    simulated, paths = {}, {}
    for name, model in found.models.items():
        console.print(f"simulating {name}")
        simulated[name] = model.simulate(stream(root, "short", name), found.short, copies=copies)
        paths[name] = _flat(model.simulate(stream(root, "long", name), found.long, copies=LONG_COPIES))
    channels = min(config.signature.channels, found.training.shape[1])
    view = path_view(stream(root, "view"), jnp.asarray(found.training, jnp.float32), channels=channels)
    kernel = _kernel(
        found.training, view, window_bars=window_bars, depth=depth, medians=config.signature.bandwidth_medians
    )
    with console.status("comparing windows, and measuring invariants"):
        distances = compare(stream(root, "tests"), found.short.windows, simulated, view, depth=depth, kernel=kernel)
        rows = invariant_table(found.long.windows, paths)
    settings = {"seed": seed, "depth": depth, "bandwidth": float(kernel.bandwidth)}
    result = _result(distances, rows) | _about(config, found, copies=copies, settings=settings)
    write_bytes_whole(canonical_json(result), out / "study.json")
    figures = {
        "quantiles": quantile_figure(found.short.windows, {name: _flat(each) for name, each in simulated.items()}),
        "memory": memory_figure(found.long.windows, paths),
        "invariants": invariants_figure([(r.market, r.name, r.value, r.standard_error) for r in rows]),
        "distances": distances_figure({n: (d.value, d.standard_error) for n, d in distances.items()}),
    }
    pictures = {name: picture(figure) for name, figure in figures.items()}
    for name, drawn in pictures.items():
        write_bytes_whole(drawn.png, out / f"{name}.png")
    write_bytes_whole(study_page(result, pictures).encode(), out / "study.html")
    console.print(_distance_table(distances))
    console.print(_invariant_table(rows))
    console.print(verdict(result["differences"]))
    console.print(f"page {out / 'study.html'}; numbers in study.json beside it", soft_wrap=True)
    return result


def _prepare(config: TeacherConfig, find_teachers: Callable, *, window_bars: int, console: Console) -> Prepared:
    market = market_of(config)
    teachers = find_teachers(market)
    periods = split(market, **config.periods.model_dump())
    returns = np.asarray(market.log_returns(), float)
    first = int(np.searchsorted(market.times, periods.test.times[0]))
    short = held_out_windows(returns, first=first, bars=window_bars)
    long = held_out_windows(returns, first=first, bars=min(LONG_BARS, (returns.shape[0] - first) // 2))
    training = np.asarray(periods.train.log_returns(), float)
    smooth = _known_readings(periods.train, market)
    taught = {name: TaughtMarket(load_teacher(folder), smooth, config.block_bars) for name, folder in teachers.items()}
    console.print(f"{market.symbol}: {short.starts.size} held-out windows of {window_bars} bars; fitting GARCH-t")
    rivals = {"GARCH-t": fit_garch_copula(training), "Gaussian": fit_gaussian(training)}
    return Prepared(market, training, short, long, teachers, {**taught, **rivals})


def _flat(paths: Float[np.ndarray, "windows copies bars assets"]) -> Float[np.ndarray, "paths bars assets"]:
    return paths.reshape(-1, *paths.shape[2:])


def _about(config: TeacherConfig, found: Prepared, *, copies: int, settings: dict[str, float]) -> dict:
    """Return what a reader must know of where the numbers come from."""
    market, short = found.market, found.short
    return {
        "market": market.symbol,
        "held_out_from": str(np.datetime64(int(market.times[short.first]), "s")),
        "windows": int(short.starts.size),
        "window_bars": int(short.bars),
        "long_window_bars": int(found.long.bars),
        "copies": copies,
        "provenance": {
            "settings": {"config digest": config.digest(), **settings},
            "data": {"source": market.source, "licence": market.licence, "SHA-256": market.digest},
            "teachers": {name: file_digest(folder, "teacher") for name, folder in found.teachers.items()},
            "versions": {"aurora_jax": __version__, "jax": jax.__version__},
        },
    }


def _known_readings(train: MarketData, market: MarketData) -> Float[np.ndarray, "bars factors"]:
    """Read the whole history in the training period's units; a row is what is known once that bar is over."""
    whole = read_volatility(market, read_volatility(train)).measure.log_volatility
    return np.asarray(known_before(whole)[1:], float)


def _kernel(
    training: Float[np.ndarray, "bars assets"], view: PathView, *, window_bars: int, depth: int, medians: float
) -> SignatureKernel:
    """Take the kernel from the training period, cut into windows as long as those held out."""
    count = training.shape[0] // window_bars
    windows = jnp.asarray(training[: count * window_bars].reshape(count, window_bars, -1), jnp.float32)
    return signature_kernel(jax.vmap(view)(windows).astype(float), depth=depth, bandwidth_medians=medians)


def _result(distances: dict[str, Distance], rows: list[InvariantRow]) -> dict:
    against = {
        f"{name} less {rival}": nearer(distances[name], distances[rival])._asdict()
        for name in ("teacher",)
        for rival in distances
        if rival != name
    }
    return {
        "distances": {
            name: {"value": d.value, "standard_error": d.standard_error, "p_value": d.p_value}
            for name, d in distances.items()
        },
        "differences": against,
        "invariants": [row._asdict() for row in rows],
    }


def _distance_table(distances: dict[str, Distance]) -> Table:
    table = Table("model", "MMD²", "standard error", "exchange p", "teacher less it", title="Distance on path space")
    for name, found in distances.items():
        gap = nearer(distances["teacher"], found)
        versus = "" if name == "teacher" else f"{gap.difference:+.4f} ± {gap.standard_error:.4f}"
        table.add_row(name, f"{found.value:.4f}", f"{found.standard_error:.4f}", f"{found.p_value:.3f}", versus)
    return table


def _invariant_table(rows: list[InvariantRow]) -> Table:
    names = list(dict.fromkeys(row.name for row in rows))
    table = Table("market", *names, title="Invariants, and distance from the market in standard errors")
    for market in dict.fromkeys(row.market for row in rows):
        found = {row.name: row for row in rows if row.market == market}
        table.add_row(market, *(_cell(found.get(name)) for name in names))
    return table


def _cell(row: InvariantRow | None) -> str:
    if row is None:
        return "-"
    away = "" if row.market == "real" else f" ({row.z:+.1f})"
    return f"{row.value:.3f} ± {row.standard_error:.3f}{away}"
