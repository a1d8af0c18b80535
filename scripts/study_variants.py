"""The teachers of a study: the whole one, and one trained without each part."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from aurora_jax.config import ABLATIONS, TeacherConfig
from aurora_jax.data import MarketData
from aurora_jax.training import code_digest
from scripts.teaching import train


def train_variants(
    config: TeacherConfig, market: MarketData, out: Path, names: Sequence[str], *, console: Console
) -> dict[str, Path]:
    """Train the teacher and those without the parts `names`, each in its own folder of `out`.

    A teacher that was trained with the same settings and code on the same data is kept; one that was stopped goes on.

    Returns:
        Folder of each teacher by its name, the whole one first.
    """
    folders = {}
    for name in ("teacher", *names):
        off = {} if name == "teacher" else {ABLATIONS[name]: True}
        model = config.model.model_dump()
        variant = config.updated(model={**model, "ablation": {**model["ablation"], **off}})
        folder = out / name.replace(" ", "_")
        if is_trained(folder, variant, market):
            console.print(f"{name}: kept, trained before in {folder}")
        else:
            console.rule(name, align="left")
            train(variant, folder, console=console)
        folders[name] = folder
    return folders


def is_trained(folder: Path, config: TeacherConfig, market: MarketData) -> bool:
    """Return whether `folder` holds a finished teacher of these settings and data, trained by this code."""
    try:
        summary = json.loads((folder / "summary.json").read_text())
    except (OSError, json.JSONDecodeError):
        return False
    found = summary["config_digest"], summary["data"]["sha256"], summary.get("code_digest")
    return found == (config.digest(), market.digest, code_digest()) and (folder / "teacher.safetensors").exists()
