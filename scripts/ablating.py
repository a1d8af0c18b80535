"""The study of what each part of the distillation is worth, from its settings to its folder."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from aurora_jax import __version__, enable_x64
from aurora_jax.config import StudentConfig
from aurora_jax.core import TeacherBatch, root_key, stream
from aurora_jax.data import MarketData, require_bars, split, write_bytes_whole
from aurora_jax.engine import canonical_json, load_teacher, load_units
from aurora_jax.engine.embedder_file import load_embedder
from aurora_jax.report import distillation_figure, picture
from aurora_jax.student import DSSM, Imitation, Windows
from aurora_jax.study import held_out_evidence, likeness, overlap_of_regimes
from aurora_jax.training import (
    StudentSet,
    TaughtBy,
    code_digest,
    cut,
    imitation_of,
    simulated_for,
    student_digest,
    student_set,
    student_trainer,
    teacher_windows,
)
from scripts.teaching import market_of, run_told

PARTS = {
    "signatures": "signature_weight",
    "tails": "tail_weight",
    "latent state": "latent_weight",
    "regimes": "separation_weight",
}
"""Parts of the distillation by the name that a user gives them, and the weight that turns each off."""
GROUPS, GROUP_PATHS = 8, 64


class Judged(NamedTuple):
    """What students are judged by, the same for all: bars and paths that none of them was trained on."""

    windows: Windows
    simulated: Windows
    regime: np.ndarray
    imitation: Imitation


def variants(config: StudentConfig) -> dict[str, StudentConfig]:
    """Return the settings of the whole distillation, of simulated windows alone, and of all but one part."""
    settings = config.distillation.model_dump()

    def without(*parts: str) -> StudentConfig:
        return config.updated(distillation={**settings, **{PARTS[part]: 0.0 for part in parts}})

    found = {"whole": config, "simulated windows alone": without(*PARTS)}
    return found | {f"without {part}": without(part) for part in PARTS}


def study(config: StudentConfig, teacher: Path, out: Path, *, console: Console) -> dict:
    """Train a student without a teacher, with all of it and without each part; judge all alike; leave it in `out`.

    Students are kept in folders of their own: a study that was stopped goes on.
    """
    enable_x64()
    # All take the same steps: one that stops early has learnt less, whatever it was taught.
    patience = {"patience": config.optimiser.steps}
    config = config.updated(optimiser={**config.optimiser.model_dump(), **patience})
    market, code = market_of(config), code_digest()
    taught_by = TaughtBy(load_teacher(teacher), load_embedder(teacher), load_units(teacher))
    out.mkdir(parents=True, exist_ok=True)
    with console.status("features, scale law, windows; the teacher simulates"):
        taught = student_set(config, market, taught_by)
        alone = student_set(config, market)
        judged = _judged(config, market, taught, taught_by)
    rows = {}
    for name, settings in {"no teacher": config, **variants(config)}.items():
        found = alone if name == "no teacher" else taught
        console.rule(name, align="left")
        folder = out / "students" / name.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        digest = student_digest(settings, market, found, code=code)
        trainer = student_trainer(settings, found)
        result = run_told(trainer, settings.optimiser, folder, digest=digest, says=_says, console=console)
        # The last weights beside the kept ones: the state of both is trained, but validation hears a share of the say.
        rows[name] = {
            "kept": _measured(config, result.model, judged),
            "last": _measured(config, result.last, judged),
            "validation": result.best_score,
            "steps": result.steps,
        }
    result = {"market": market.symbol, "rows": rows, "provenance": _provenance(config, market, teacher, judged)}
    write_bytes_whole(canonical_json(result), out / "distillation.json")
    write_bytes_whole(picture(distillation_figure(rows)).png, out / "distillation.png")
    console.print(_table(rows))
    console.print(f"figure {out / 'distillation.png'}; numbers in distillation.json beside it", soft_wrap=True)
    return result


def _says(info) -> str:
    return f"loss {float(info.loss):.3f}  forecast {float(info.parts.forecast):.3f}"


def _judged(config: StudentConfig, market: MarketData, found: StudentSet, taught_by: TaughtBy) -> Judged:
    """Return windows of the test years, and paths of the teacher from a stream of their own."""
    prepared, bars = found.prepared, config.windows.window_bars
    periods = require_bars(split(market, **config.periods.model_dump()), name=market.symbol, test=bars)
    first = int(np.searchsorted(market.times, periods.test.times[0]))
    windows = cut(prepared.inputs(market), start=first, length_bars=bars, stride_bars=bars)
    key = stream(root_key(config.seed), "unseen paths")
    batch: TeacherBatch = simulated_for(config, prepared, taught_by.teacher, key, paths=GROUPS * GROUP_PATHS)
    simulated = jax.tree.map(np.asarray, teacher_windows(batch, prepared, window_bars=bars))
    return Judged(windows, simulated, np.asarray(batch.regime)[:, -1], imitation_of(config, prepared, batch))


def _measured(config: StudentConfig, network: DSSM, judged: Judged) -> dict[str, float]:
    key = stream(root_key(config.seed), "judged")
    alike = {"groups": GROUPS, "group_paths": GROUP_PATHS, "depth": config.distillation.depth}
    return {
        **held_out_evidence(network, stream(key, "evidence"), judged.windows)._asdict(),
        **likeness(network, stream(key, "paths"), judged.imitation, **alike)._asdict(),
        "regime_overlap": overlap_of_regimes(network, judged.simulated, judged.regime),
    }


def _provenance(config: StudentConfig, market: MarketData, teacher: Path, judged: Judged) -> dict[str, object]:
    return {
        "config_digest": config.digest(),
        "data_sha256": market.digest,
        "teacher": str(teacher),
        "test_windows": int(judged.windows.features.shape[0]),
        "unseen_paths": GROUPS * GROUP_PATHS,
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
    }


def _table(rows: dict[str, dict]) -> Table:
    columns = ("bound, nats", "forecast, nats", "MMD²", "±", "KS of exceedances", "their share", "overlap")
    table = Table("last weights of the student", *columns, title="What each part of the distillation is worth")
    for name, row in rows.items():
        found = row["last"]
        table.add_row(
            name,
            f"{found['bound']:.4f}",
            f"{found['forecast']:.4f}",
            f"{found['signature_distance']:+.5f}",
            f"{found['signature_error']:.5f}",
            f"{found['exceedances']:.3f}",
            f"{found['exceedance_share']:.3f}",
            f"{found['regime_overlap']:.3f}",
        )
    return table
