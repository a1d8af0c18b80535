"""The training of a teacher from its settings to its folder."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aurora_jax import enable_x64
from aurora_jax.config import RouterConfig, StudentConfig, TeacherConfig
from aurora_jax.config.student import StudentOptimiserConfig
from aurora_jax.config.teacher import TeacherOptimiserConfig
from aurora_jax.data import NO_REPAIRS, MarketData, Repairs, load_packaged, read_table, split, write_bytes_whole
from aurora_jax.engine import canonical_json, save_teacher, save_units
from aurora_jax.engine.embedder_file import save_embedder
from aurora_jax.report import picture, regimes_figure, training_figure
from aurora_jax.teacher import REGIMES, Calibration
from aurora_jax.training import (
    Outcome,
    Trainable,
    TrainInfo,
    code_digest,
    embed,
    learnt,
    read_metrics,
    run_digest,
    run_training,
    set_of,
    summary_of,
    trainer_of,
    units_of,
)

PACKAGED = ("us20", "sp500", "nasdaq")


def market_of(config: TeacherConfig | StudentConfig | RouterConfig) -> MarketData:
    """Return the market that a configuration names."""
    repairs = Repairs(**config.repairs.model_dump())
    return market_named(config.data, maximum_gap_bars=config.maximum_gap_bars, repairs=repairs)


def market_named(name: str, *, maximum_gap_bars: int = 0, repairs: Repairs = NO_REPAIRS) -> MarketData:
    """Return a packaged market by its name, or one from a file."""
    if name in PACKAGED or not Path(name).suffix:
        return load_packaged(name)
    return read_table(name, maximum_gap_bars=maximum_gap_bars, repairs=repairs)


def train(config: TeacherConfig, out: Path, *, console: Console) -> Outcome:
    """Train, and leave the teacher, its units, its embedder, its metrics, its figures and its summary in `out`."""
    enable_x64()
    market, code = market_of(config), code_digest()
    out.mkdir(parents=True, exist_ok=True)
    console.print(
        f"[bold]{market.symbol}[/bold]: {len(market.assets)} assets, {len(market.times):,} bars; labelling blocks"
    )
    found = set_of(config, market)
    blocks = found.data.training.regime.shape[0], found.data.held_out.regime.shape[0]
    console.print(
        f"{blocks[0]} training and {blocks[1]} held-out blocks of {config.block_bars} bars; bandwidth "
        f"{float(found.data.kernel.bandwidth):.4f}; compiling"
    )
    digest = run_digest(config, market, found, code=code)
    result = run_told(trainer_of(config, found), config.optimiser, out, digest=digest, says=_says, console=console)
    # Before the teacher: whoever finds it finds its units.
    save_units(units_of(split(market, **config.periods.model_dump()).train), out)
    save_teacher(result.model, out)
    console.print("fitting its embedder on windows that it simulates")
    embedded = embed(config, result.model, found)
    save_embedder(embedded.embedder, out)
    _draw(out, result)
    summary = summary_of(config, market, found, result, embedded.held_out, code=code)
    write_bytes_whole(canonical_json(summary), out / "summary.json")
    console.print(_table(result, embedded.held_out))
    console.print(
        f"teacher   {out / 'teacher.safetensors'}   (python sims/seb_plus.py --teacher {out})", soft_wrap=True
    )
    return result


def _draw(out: Path, result: Outcome) -> None:
    figures = {
        "training": training_figure(read_metrics(out), result.score_before),
        "regimes": regimes_figure(learnt(result.model), [regime.name for regime in REGIMES]),
    }
    for name, figure in figures.items():
        write_bytes_whole(picture(figure).png, out / f"{name}.png")


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


def _says(info: TrainInfo) -> str:
    return f"loss {float(info.loss):.3f}  MMD² {float(info.parts.signature_distance):.4f}"


def run_told(
    trainer: Trainable,
    optimiser: TeacherOptimiserConfig | StudentOptimiserConfig,
    out: Path,
    *,
    digest: str,
    says: Callable[[Any], str],
    console: Console,
) -> Outcome:
    """Train in `out` behind a progress bar, or go on there; `says` is what the bar tells of a step's info."""
    # What a step finds wrong is told in one line; jax would log its own traceback before.
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)
    with _training_bar(console, optimiser.steps, says) as on_step:
        return run_training(
            trainer,
            out,
            digest=digest,
            validate_every=optimiser.validate_every,
            checkpoint_every=optimiser.checkpoint_every,
            on_step=on_step,
        )


@contextlib.contextmanager
def _training_bar(
    console: Console, steps: int, says: Callable[[Any], str]
) -> Iterator[Callable[[int, Any, float | None], None]]:
    """Show a progress bar whose steps say what `says` makes of their info, and the last score of held-out data."""
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

        def show(step: int, info: Any, score: float | None) -> None:
            nonlocal held
            held = held if score is None else f"{score:.3f}"
            progress.update(task, completed=step + 1, says=f"{says(info)}  held out {held}")

        yield show
