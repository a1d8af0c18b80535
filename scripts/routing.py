"""The training and study of a router from its settings to its folder."""

import json
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import ConfigError, RouterConfig
from aurora_jax.core import PRNGKey, root_key, stream
from aurora_jax.data import MarketData, write_bytes_whole
from aurora_jax.engine import TrainedStudent, canonical_json, file_digest, load_student, load_teacher, save_router
from aurora_jax.report import RouterReport, monotonicity_figure, picture, reliability_figure
from aurora_jax.router import Labelled, concatenate
from aurora_jax.training import (
    CrossFitted,
    LabelledKnown,
    blocks_of,
    code_digest,
    cross_fit,
    decoder,
    join_block,
    label_history,
    label_known,
    label_teacher,
    real_inputs,
)
from scripts.console import Stages
from scripts.judging import (
    accuracy_of,
    calibration_of,
    drawn_families,
    monotonicity_of,
    read_held_out,
    write_held_out,
)
from scripts.streams import returns_per_bar
from scripts.teaching import market_of


def train(
    config: RouterConfig, student: Path, teacher: Path | None, out: Path, *, pool: tuple[Path, ...], console: Console
) -> dict:
    """Train, and leave the router, its figures, its held-out record and its summary in `out`."""
    enable_x64()
    market, trained = market_of(config), load_student(student)
    if market.assets != trained.assets:
        raise ConfigError(
            f"{student} is a student of {', '.join(trained.assets)}; the data hold {', '.join(market.assets)}."
        )
    _require_other_data(market, pool)
    others = {str(folder): read_held_out(folder) for folder in pool}
    out.mkdir(parents=True, exist_ok=True)
    root, show = root_key(config.seed), Stages(console)
    with show.stage("label", f"{market.symbol}: BIC of every window, SLERP in every block"), show.waiting():
        blocks = _blocks(root, config, market, trained)
    with show.stage("simulate", "windows whose family is known"), show.waiting():
        known, simulated = _simulated(root, config, trained, teacher)
    with show.stage("train", f"{config.blocks} routers without one block each, and one that is kept"):
        with show.bar("routers", (config.blocks + 1) * config.steps) as on_step:
            found = cross_fit(
                stream(root, "routers"),
                blocks,
                simulated,
                window_bars=config.window_bars,
                steps=config.steps,
                monotone_weight=config.slerp.monotone_weight,
                on_step=on_step,
            )
    summary = _judge(root, config, market, found, known, others) | {"student_sha256": file_digest(student, "student")}
    _write(root, out, found, summary)
    console.print(_table(summary))
    console.print(f"router    {out / 'router.safetensors'}")
    return summary


def _require_other_data(market: MarketData, pool: tuple[Path, ...]) -> None:
    """Refuse to pool windows of the same data: each would count twice.

    Raises:
        ConfigError: names the folder; also of one without a summary.
    """
    seen = {market.digest: market.symbol}
    for folder in pool:
        path = folder / "summary.json"
        if not path.exists():
            raise ConfigError(f"{path}: no such file; run scripts/train_router.py with --out {folder} first.")
        told = json.loads(path.read_text())["data"]
        if told["sha256"] in seen:
            raise ConfigError(
                f"{folder} holds windows of {told['symbol']}, which are already among those to be pooled."
            )
        seen[told["sha256"]] = told["symbol"]


def _blocks(root: PRNGKey, config: RouterConfig, market: MarketData, student: TrainedStudent) -> list:
    history = label_history(
        student.network,
        real_inputs(market, student.pipeline, student.standardiser, student.trailing),
        returns_per_bar(market),
        window_bars=config.window_bars,
        stride_bars=config.window_bars,
        lead_bars=student.pipeline.warm_up_bars,
    )
    decode = decoder(student.network, student.pipeline, student.standardiser, window_bars=config.window_bars)
    shape = config.slerp.model_dump(include={"paths", "points", "clear_share"})
    cut = blocks_of(history, assets=len(market.assets), blocks=config.blocks)
    return [join_block(stream(root, "slerp", place), block, decode=decode, **shape) for place, block in enumerate(cut)]


def _simulated(
    root: PRNGKey, config: RouterConfig, student: TrainedStudent, teacher: Path | None
) -> tuple[LabelledKnown, Labelled]:
    """Return the test windows, and those to learn from."""
    parts = (student.network, student.pipeline, student.standardiser)

    def draw(name: str, windows: int) -> LabelledKnown:
        return label_known(stream(root, name), *parts, windows=windows, window_bars=config.window_bars)

    simulated = draw("known training", config.known.training).labelled
    if teacher is not None:
        taught = label_teacher(
            stream(root, "teacher"),
            load_teacher(teacher),
            *parts,
            student.trailing,
            paths=config.teacher_paths,
            window_bars=config.window_bars,
        )
        simulated = concatenate(simulated, taught)
    return draw("known test", config.known.test), simulated


def _judge(
    root: PRNGKey, config: RouterConfig, market: MarketData, found: CrossFitted, known: LabelledKnown, others: dict
) -> dict:
    key, held = stream(root, "families"), found.held
    own = np.asarray(held.probabilities), np.asarray(held.weights)
    columns = zip(own, *others.values(), strict=True)
    pooled = tuple(np.concatenate(column) for column in columns)
    return {
        "config_digest": config.digest(),
        "config": config.model_dump(mode="json"),
        "code_digest": code_digest(),
        "data": {"symbol": market.symbol, "sha256": market.digest, "source": market.source, "licence": market.licence},
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
        "temperatures": held.temperatures.tolist(),
        "temperature_kept": float(found.router.temperature),
        "held_out": calibration_of(key, *own),
        "pooled": {"with": sorted(others), **calibration_of(key, *pooled)},
        "monotonicity": monotonicity_of(held),
        "simulated_truth": accuracy_of(found.router, known),
    }


def _write(root: PRNGKey, out: Path, found: CrossFitted, summary: dict) -> None:
    held = found.held
    save_router(found.router, out)
    write_held_out(out, np.asarray(held.probabilities), np.asarray(held.weights))
    write_bytes_whole(canonical_json(summary), out / "summary.json")
    drawn = drawn_families(stream(root, "families"), held.weights)
    figures = {
        "reliability": reliability_figure(RouterReport(np.asarray(held.probabilities), drawn)),
        "monotonicity": monotonicity_figure(
            np.asarray(held.along), np.asarray(held.path_weights).mean(axis=1), np.asarray(held.end_family)
        ),
    }
    for name, figure in figures.items():
        write_bytes_whole(picture(figure).png, out / f"{name}.png")


def _table(summary: dict) -> Table:
    table = Table("", "value", "target", title="What the router is worth, held out")
    for name in ("held_out", "pooled"):
        part = summary[name]
        table.add_row(f"{name}: ECE of {part['windows']:,} windows", f"{part['ece']:.4f}", "<= 0.05")
        table.add_row("  debiased", f"{part['debiased_ece']:.4f}", "")
    steps = summary["monotonicity"]
    table.add_row(f"falls in {steps['steps']:,} SLERP steps", f"{steps['violations']:.1%}", "<= 10 %")
    table.add_row("  of BIC's own weights", f"{steps['violations_of_bic']:.1%}", "")
    truth = summary["simulated_truth"]
    table.add_row(f"right on {truth['windows']:,} simulated windows", f"{truth['accuracy']:.1%}", "> 85 %")
    table.add_row("  Bayes rule, who knows the laws", f"{truth['bayes_accuracy']:.1%}", "")
    return table
