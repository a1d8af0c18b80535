"""The study of transfers from its settings to its folder, a part at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.certification import Verdict, transfer_gate
from aurora_jax.core import root_key, stream
from aurora_jax.data import load_packaged, write_bytes_whole
from aurora_jax.engine import canonical_json
from aurora_jax.report import graphs_figure, picture, power_figure, transfer_page, transfer_reading, transfer_tables
from aurora_jax.study import NULL_MARKETS, TARGETS, found_graphs, null_rates, power, recovery
from aurora_jax.training import code_digest
from scripts.parts import kept

_DECIDING = ("certification", "core", "invariants", "scenarios", "stochastic", "study")
_BARS = 4096
_SHORTEST_BARS = 640
COINS = "binance_1h_close_2017-2021.parquet"


class Sizes(NamedTuple):
    """How much is simulated; see the command."""

    markets: int
    cells: int
    pairs: int
    bars: tuple[int, ...]
    assets: int


def study(sizes: Sizes, seed: int, out: Path, *, data: Path, console: Console) -> dict:
    """Make all parts that earlier runs have not left, and the page.

    Args:
        sizes: how much is simulated.
        seed: of all of it.
        out: folder of the study.
        data: folder with the hourly coins.
        console: for what is going on.

    Raises:
        ValueError: if a domain is too short for any edge.
    """
    if sizes.bars[0] < _SHORTEST_BARS:
        raise ValueError(f"--bars must be at least {_SHORTEST_BARS}, was {sizes.bars[0]}: fewer hold too few extremes.")
    enable_x64()
    key = stream(root_key(seed), "transfer")
    small, longest = max(3, sizes.assets // 2), sizes.bars
    shapes = [(bars, assets) for assets in (small, sizes.assets) for bars in longest]
    jobs: list[tuple[str, str, Callable[[], dict]]] = [
        ("null", name, lambda n=name: _null(n, key, sizes)) for name in NULL_MARKETS
    ]
    jobs += [
        ("recovery", f"{assets} assets, {bars:,} bars", lambda b=bars, a=assets: _recovery(key, sizes, b, a))
        for bars, assets in shapes
    ]
    jobs += [
        ("power", f"{target}|{bars}", lambda t=target, b=bars: _power(t, key, sizes, b))
        for target in TARGETS
        for bars in sizes.bars
    ]
    jobs += [("graph", "cell", lambda: _graph(key, sizes)), ("pairs", "all", lambda: real_pairs(data, console))]
    result: dict = {part: {} for part in ("null", "recovery", "power")}
    settings = settings_of(seed, sizes, coins=(data / COINS).exists())
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("transfer", total=len(jobs))
        for number, (part, name, make) in enumerate(jobs):
            progress.update(task, description=f"{part}: {name}")
            made = kept(out / "parts" / f"{number:02d}_{part}.json", {**settings, "part": name}, make)
            if part == "power":
                target, bars = name.split("|")
                result["power"].setdefault(target, {})[bars] = made
            elif part in ("null", "recovery"):
                result[part][name] = made
            else:
                result[part] = made
            progress.advance(task)
    result["provenance"] = {
        "settings": {"seed": seed, **{name: str(value) for name, value in sizes._asdict().items()}},
        "versions": {"aurora_jax": __version__},
    }
    _publish(result, out, console)
    return result


def settings_of(seed: int, sizes: Sizes, *, coins: bool) -> dict:
    """Return what a part that an earlier run has left must have been made with, the code included."""
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in sizes._asdict().items()}
    return {"seed": seed, **asked, "coins": coins, "version": __version__, "code": code_digest(packages=_DECIDING)}


def real_pairs(data: Path, console: Console) -> dict[str, dict]:
    """Judge the real pairs there are data for."""
    daily = {name: load_packaged(name).log_returns() for name in ("sp500", "nasdaq")}
    half = len(daily["sp500"]) // 2
    asked = {
        "S&P 500 to NASDAQ, daily": (daily["sp500"], daily["nasdaq"]),
        "S&P 500, first half to second": (daily["sp500"][:half], daily["sp500"][half:]),
    }
    if (data / COINS).exists():
        btc, eth = (hourly(pd.read_parquet(data / COINS), f"{coin}USDT") for coin in ("BTC", "ETH"))
        asked["BTC to ETH, hourly"] = (btc, eth)
        asked["S&P 500, daily, to BTC, hourly"] = (daily["sp500"], btc)
    else:
        console.print(f"no {COINS} in {data}: pairs with coins are left out")
    return {name: told_of(*pair) for name, pair in asked.items()}


def hourly(table: pd.DataFrame, symbol: str) -> np.ndarray:
    """Return one coin's log returns from hour to hour; of an hour told twice the last row counts."""
    rows = pd.DataFrame(table[table["symbol"] == symbol]).drop_duplicates(["timestamp"], keep="last")
    return np.diff(np.log(rows.sort_values("timestamp")["close"].to_numpy(float)))[:, None]


def told_of(source: np.ndarray, target: np.ndarray) -> dict:
    """Return the verdict on a pair as plain values."""
    found = transfer_gate(source, target)
    told: dict = {"verdict": Verdict(int(found.verdict)).name, "tail_count": int(found.tail_count)}
    for name, error in found.standard_errors._asdict().items():
        value = float(getattr(found, name))
        known = np.isfinite(value)
        told[name] = {"value": value if known else None, "standard_error": float(error) if known else None}
    told["drivers"] = [bool(driver) for driver in np.asarray(found.drivers)]
    return told


def _null(name: str, key, sizes: Sizes) -> dict:
    return null_rates(name, stream(key, "null"), bars=_BARS, assets=sizes.assets, markets=sizes.markets)._asdict()


def _recovery(key, sizes: Sizes, bars: int, assets: int) -> dict:
    return recovery(stream(key, "recovery"), bars=bars, assets=assets, cells=sizes.cells)._asdict()


def _power(target: str, key, sizes: Sizes, bars: int) -> dict:
    named = stream(key, "power", bars)
    return power(target, named, bars=bars, assets=sizes.assets, pairs=sizes.pairs)._asdict()


def _graph(key, sizes: Sizes) -> dict:
    found, truth = found_graphs(stream(key, "recovery"), bars=_BARS, assets=sizes.assets, cells=1)
    return {"found": found[0].tolist(), "truth": truth[0].tolist()}


def _publish(result: dict, out: Path, console: Console) -> None:
    write_bytes_whole(canonical_json(result), out / "transfer.json")
    shares = {
        target: [(float(bars), found["ready"], found["standard_error"]) for bars, found in by_bars.items()]
        for target, by_bars in result["power"].items()
    }
    graph = (np.asarray(result["graph"][name]) for name in ("found", "truth"))
    pictures = {"graph": picture(graphs_figure(*graph)), "power": picture(power_figure(shares))}
    for name, drawn in pictures.items():
        write_bytes_whole(drawn.png, out / f"{name}.png")
    write_bytes_whole(transfer_page(result, pictures).encode(), out / "transfer.html")
    for told in transfer_tables(result):
        table = Table(*told.heads, title=told.title)
        for row in told.rows:
            table.add_row(*row)
        console.print(table)
    console.print(transfer_reading(result))
    console.print(f"page {out / 'transfer.html'}; numbers in transfer.json beside it", soft_wrap=True)
