"""The training of a teacher from its settings to its folder."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import TeacherConfig
from aurora_jax.core import root_key, stream
from aurora_jax.data import MarketData, Repairs, load_packaged, read_table, split
from aurora_jax.engine import canonical_json, save_teacher
from aurora_jax.engine.embedder_file import save_embedder
from aurora_jax.farm import digest_of
from aurora_jax.report import picture, regimes_figure, training_figure
from aurora_jax.teacher import NFSDE, REGIMES, Ablation, Calibration, EmbedderFit, Weights, fit_embedder
from aurora_jax.training import (
    Outcome,
    TeacherSet,
    Trainer,
    TrainInfo,
    TrainSettings,
    read_metrics,
    run_training,
    teacher_set,
)

PACKAGED = ("us20", "sp500", "nasdaq")


def market_of(config: TeacherConfig) -> MarketData:
    """Return the market that a configuration names."""
    if config.data in PACKAGED or not Path(config.data).suffix:
        return load_packaged(config.data)
    repairs = Repairs(**config.repairs.model_dump())
    return read_table(config.data, maximum_gap_bars=config.maximum_gap_bars, repairs=repairs)


def set_of(config: TeacherConfig, market: MarketData) -> TeacherSet:
    """Cut a market into what a configuration trains on and judges by."""
    periods = split(market, **config.periods.model_dump())
    model = config.model.model_dump()
    model["ablation"] = Ablation(**model.pop("ablation"))
    signature = config.signature
    return teacher_set(
        stream(root_key(config.seed), "teacher"),
        periods.train,
        periods.validation,
        block_bars=config.block_bars,
        window_bars=signature.window_bars,
        channels=signature.channels,
        signature_depth=signature.depth,
        bandwidth_medians=signature.bandwidth_medians,
        **model,
    )


def trainer_of(config: TeacherConfig, found: TeacherSet) -> Trainer:
    """Build the trainer of a configuration."""
    optimiser = config.optimiser.model_dump(exclude={"validate_every", "checkpoint_every"})
    settings = TrainSettings(
        weights=Weights(config.signature.weight, config.separation_weight),
        windows=config.signature.windows,
        depth=config.signature.depth,
        **optimiser,
    )
    return Trainer(found.start, stream(root_key(config.seed), "steps"), found.data, settings)


def train(config: TeacherConfig, out: Path, *, console: Console) -> Outcome:
    """Train, and leave the teacher, its metrics, its figures and its summary in `out`."""
    enable_x64()
    # What a step finds wrong is told in one line; jax would log its own traceback before.
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)
    market = market_of(config)
    out.mkdir(parents=True, exist_ok=True)
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(market.assets)} assets, {len(market.times):,} bars; labelling blocks"
    )
    found = set_of(config, market)
    blocks = found.data.training.regime.shape[0], found.data.held_out.regime.shape[0]
    console.print(
        f"{blocks[0]} training and {blocks[1]} held-out blocks of {config.block_bars} bars; bandwidth "
        f"{float(found.data.bandwidth):.4f}; compiling"
    )
    trainer = trainer_of(config, found)
    with _bar(console, config.optimiser.steps) as on_step:
        result = run_training(
            trainer,
            out,
            digest=run_digest(config, market, found),
            validate_every=config.optimiser.validate_every,
            checkpoint_every=config.optimiser.checkpoint_every,
            on_step=on_step,
        )
    save_teacher(result.model, out)
    console.print("fitting its embedder on windows that it simulates")
    embedded = embed(config, result.model, found)
    save_embedder(embedded.embedder, out)
    _write(config, out, result, market, found, embedded.held_out)
    console.print(_table(result, embedded.held_out))
    console.print(
        f"teacher   {out / 'teacher.safetensors'}   (python sims/seb_plus.py --teacher {out})", soft_wrap=True
    )
    return result


def embed(config: TeacherConfig, model: NFSDE, found: TeacherSet) -> EmbedderFit:
    """Fit what reads the teacher's factors off a window, on regimes as frequent as in training."""
    counts = np.bincount(np.asarray(found.data.training.regime), minlength=len(REGIMES))
    shares = (counts + 1.0) / (counts + 1.0).sum()  # a regime that training lacks may come
    key = stream(root_key(config.seed), "embedder")
    return fit_embedder(model, key, bars=config.signature.window_bars, regime_shares=jnp.asarray(shares))


def run_digest(config: TeacherConfig, market: MarketData, found: TeacherSet) -> str:
    """Return what names a run: settings, data, and what a change of code would make of them."""
    made = f"{digest_of(found.start)}-{float(found.data.bandwidth).hex()}"
    return f"{config.digest()}-{market.digest[:16]}-{made}-{jax.__version__}"


def learnt(model: NFSDE) -> dict[str, list[float]]:
    """Return what a teacher learnt of each regime, by name."""
    table = model.by_regime()
    volatility = np.sqrt(np.mean(np.sum(np.asarray(table.price_factor, float) ** 2, axis=2), axis=1))
    return {
        "H of volatility": np.asarray(table.hurst, float)[:, 0].tolist(),
        "vol of volatility": np.asarray(table.volatility_of_volatility, float)[:, 0].tolist(),
        "leverage": np.asarray(table.leverage, float).tolist(),
        "volatility": volatility.tolist(),
        "jumps per bar": np.asarray(jax.vmap(_rate)(table.jump_law), float).tolist(),
        "contagion": np.asarray(table.jump_law.contagion, float).tolist(),
    }


def _rate(law):
    return law.baseline(0.0 * law.response)


def _write(
    config: TeacherConfig, out: Path, result: Outcome, market: MarketData, found: TeacherSet, embedded: Calibration
) -> None:
    figures = {
        "training": training_figure(read_metrics(out), result.score_before),
        "regimes": regimes_figure(learnt(result.model), [regime.name for regime in REGIMES]),
    }
    for name, figure in figures.items():
        (out / f"{name}.png").write_bytes(picture(figure).png)
    jumps = result.model.jumps
    summary = {
        "config_digest": config.digest(),
        "config": config.model_dump(mode="json"),
        "data": {"symbol": market.symbol, "sha256": market.digest, "source": market.source, "licence": market.licence},
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
        "steps": result.steps,
        "stopped_early": result.stopped_early,
        "held_out_nats_per_bar": {"before": result.score_before, "after": result.best_score},
        "signature_bandwidth": float(found.data.bandwidth),
        "by_regime": learnt(result.model),
        "branching_ratio": float(result.model.branching_ratio),
        "excitation_decay_per_bar": float(jumps.excitation.decay),
        "tail_index_of_jumps": 1.0 / float(jumps.degrees_of_freedom),
        "scale_persistence_bars": 1.0 / float(jumps.mixing.renewal_rate),
        "embedder": {"window_bars": config.signature.window_bars, **_told(embedded)},
    }
    (out / "summary.json").write_bytes(canonical_json(summary))


def _told(embedded: Calibration) -> dict[str, object]:
    """Return the calibration on held-out simulated windows: shares explained, and each value with its error."""
    told: dict[str, object] = {"explained_variance": np.asarray(embedded.explained_variance, float).tolist()}
    for name in ("error", "squared_error", "coverage_90", "nats"):
        found = getattr(embedded, name)
        told[name] = {"value": float(found.value), "standard_error": float(found.standard_error)}
    return told


def _table(result: Outcome, embedded: Calibration) -> Table:
    table = Table("", *(regime.name for regime in REGIMES), title="What the teacher learnt")
    for name, values in learnt(result.model).items():
        table.add_row(name, *(f"{value:.4g}" for value in values))
    table.add_section()
    jumps = result.model.jumps
    table.add_row("branching ratio", f"{float(result.model.branching_ratio):.3g}")
    table.add_row("tail index of jumps", f"{1.0 / float(jumps.degrees_of_freedom):.3g}")
    table.add_row("heavy scale lasts, bars", f"{1.0 / float(jumps.mixing.renewal_rate):.3g}")
    table.add_row("held out, nats per bar", f"{result.score_before:.3f}", "->", f"{result.best_score:.3f}")
    table.add_row("factor read off a window, explained", f"{float(embedded.explained_variance[0]):.1%}")
    inside = embedded.coverage_90
    table.add_row("inside its 90 % region", f"{float(inside.value):.1%}", "±", f"{float(inside.standard_error):.1%}")
    return table


@contextlib.contextmanager
def _bar(console: Console, steps: int) -> Iterator[Callable[[int, TrainInfo, float | None], None]]:
    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[says]}"),
        TimeRemainingColumn(),
    )
    held = "-"
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("train", total=steps, says="")

        def show(step: int, info: TrainInfo, score: float | None) -> None:
            nonlocal held
            held = held if score is None else f"{score:.3f}"
            says = f"loss {float(info.loss):.3f}  MMD² {float(info.parts.signature_distance):.4f}  held out {held}"
            progress.update(task, completed=step + 1, says=says)

        yield show
