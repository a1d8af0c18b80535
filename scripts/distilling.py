"""The training of a student from its settings to its folder."""

from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import StudentConfig
from aurora_jax.data import MarketData, write_bytes_whole
from aurora_jax.engine import canonical_json, file_digest, load_teacher, load_units, save_student
from aurora_jax.engine.embedder_file import load_embedder
from aurora_jax.report import picture, student_training_figure
from aurora_jax.training import (
    Outcome,
    StudentSet,
    TaughtBy,
    code_digest,
    read_metrics,
    student_digest,
    student_set,
    student_trainer,
    trained_student,
)
from scripts.teaching import market_of, run_told


def train(config: StudentConfig, teacher: Path | None, out: Path, *, console: Console) -> Outcome:
    """Train, and leave the student, its metrics, its figure and its summary in `out`."""
    enable_x64()
    market, code = market_of(config), code_digest()
    taught_by = None
    if teacher is not None:
        taught_by = TaughtBy(load_teacher(teacher), load_embedder(teacher), load_units(teacher))
    out.mkdir(parents=True, exist_ok=True)
    console.print(f"[bold]{market.symbol}[/bold]: {len(market.assets)} assets, {len(market.times):,} bars")
    with console.status("features, scale law, windows" + ("" if taught_by is None else "; the teacher simulates")):
        found = student_set(config, market, taught_by)
    _tell(console, found)
    digest = student_digest(config, market, found, code=code)
    result = run_told(student_trainer(config, found), config.optimiser, out, digest=digest, says=_says, console=console)
    save_student(trained_student(market, found, result.model), out)
    figure = student_training_figure(read_metrics(out), result.score_before)
    write_bytes_whole(picture(figure).png, out / "training.png")
    summary = _summary(config, market, found, result, teacher=teacher, code=code)
    write_bytes_whole(canonical_json(summary), out / "summary.json")
    console.print(_table(found, result))
    console.print(f"student   {out / 'student.safetensors'}   (python scripts/study_forecasts.py --student {out})")
    return result


def _says(info) -> str:
    return f"loss {float(info.loss):.3f}  forecast {float(info.parts.forecast):.3f}"


def _tell(console: Console, found: StudentSet) -> None:
    data, scale = found.data, found.prepared.scale
    for name, reason in found.removed.items():
        console.print(f"  without {name}: {reason}", style="dim")
    counts = [part.features.shape[0] for part in data[:3]]
    console.print(
        f"{counts[0]} real, {counts[1]} simulated and {counts[2]} validation windows; "
        f"the scale law gains {scale.trailing_score - scale.score:.4f} nats a return on the trailing volatility"
    )


def _summary(
    config: StudentConfig,
    market: MarketData,
    found: StudentSet,
    result: Outcome,
    *,
    teacher: Path | None,
    code: str,
) -> dict[str, object]:
    """Return the record of a training: what it was asked, what it was made from, and what came of it."""
    scale = found.prepared.scale
    return {
        "config_digest": config.digest(),
        "config": config.model_dump(mode="json"),
        "code_digest": code,
        "data": {"symbol": market.symbol, "sha256": market.digest, "source": market.source, "licence": market.licence},
        "teacher_sha256": None if teacher is None else file_digest(teacher, "teacher"),
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
        "features_removed": found.removed,
        "windows": {name: getattr(found.data, name).features.shape[0] for name in ("real", "teacher", "validation")},
        "steps": result.steps,
        "stopped_early": result.steps < config.optimiser.steps,
        "network_is_heard": bool(np.any(np.asarray(result.model.decoder_out.kernel[...]))),
        "validation_nats_per_return": {"scale law alone": result.score_before, "student": result.best_score},
        "scale_law": {
            "weights": scale.law.weights.tolist(),
            "intercept": float(scale.law.intercept),
            "training_nats_per_return": {"trailing volatility": scale.trailing_score, "scale law": scale.score},
        },
        "degrees_of_freedom": {
            "scale law": scale.degrees_of_freedom,
            "student": float(result.model.degrees_of_freedom),
        },
    }


def _table(found: StudentSet, result: Outcome) -> Table:
    table = Table("", "", title="What the student learnt", show_header=False)
    table.add_row("validation, nats per return: scale law alone", f"{result.score_before:.4f}")
    table.add_row("with the network", f"{result.best_score:.4f}")
    table.add_row("degrees of freedom", f"{float(result.model.degrees_of_freedom):.2f}")
    table.add_row("steps", f"{result.steps}" + (" (stopped early)" if result.stopped_early else ""))
    return table
