"""`python -m benchmarks`: each answer stored beside its time, peers in the same run."""

import importlib
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import jax
import typer
from rich.console import Console
from rich.table import Table

import aurora_jax

from .record import Contest, Timing

TOPICS = (
    "noise",
    "hawkes",
    "garch",
    "signatures",
    "portfolio",
    "teacher",
    "student",
    "training",
    "crossbar",
    "engine",
    "farm",
)
app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command()
def main(
    topics: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(TOPICS)}; all by default.")] = None,
    out: Annotated[Path, typer.Option(help="Where the numbers go, as JSON.")] = Path("runs/benchmarks.json"),
) -> None:
    """Time AURORA and its peers on the same work, in one process, and print the ratios.

    Peers are optional: [bold]pip install torch==2.13.0 && pip install -e '.[peers]'[/bold]. Run it on an idle machine.
    """
    unknown = sorted(set(topics or ()) - set(TOPICS))
    if unknown:
        raise typer.BadParameter(f"unknown topic {unknown[0]}; choose from {', '.join(TOPICS)}.")
    aurora_jax.enable_x64()
    console = Console(width=None if os.isatty(1) else 160)
    done: list[Contest] = []
    for topic in topics or TOPICS:
        with console.status(f"{topic} ..."):
            found = list(importlib.import_module(f"benchmarks.{topic}").contests())
        console.print(table_of(topic, found))
        for contest in found:
            if contest.note:
                console.print(f"[dim]{contest.what}: {contest.note}.[/dim]", highlight=False)
        done += found
    record = {"machine": machine(), "contests": [asdict(contest) for contest in done]}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n")
    console.print(f"[dim]{out}[/dim]")


def machine() -> dict[str, object]:
    """Return what a reader needs to compare these numbers with others."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "devices": [device.device_kind for device in jax.devices()],
        "python": platform.python_version(),
        "jax": jax.__version__,
        "load_at_start": os.getloadavg()[0],
    }


def table_of(topic: str, contests: list[Contest]) -> Table:
    """Lay contests out, a line for each contender; a ratio above 1 means that we are faster."""
    table = Table(title=topic, title_justify="left", show_lines=False)
    for name in ("work", "contender", "ms", "per second", "answer", "peer / ours", "target"):
        table.add_column(name, justify="left" if name in ("work", "contender", "target") else "right")
    for contest in contests:
        table.add_row(contest.what, "[bold]aurora[/bold]", *_figures(contest, contest.ours), "", contest.target)
        for name, timing in contest.peers.items():
            if isinstance(timing, str):
                table.add_row("", name, timing)
            else:
                ratio = timing.seconds / contest.ours.seconds
                table.add_row("", name, *_figures(contest, timing), f"{ratio:.2f}")
        for name, value in contest.extra.items():
            table.add_row("", f"[dim]{name.replace('_', ' ')}[/dim]", "", "", f"{value:.4g}")
        table.add_section()
    return table


def _figures(contest: Contest, timing: Timing) -> tuple[str, str, str]:
    rate = contest.work / timing.seconds
    for size, prefix in ((1e9, "G "), (1e6, "M "), (1e3, "k ")):
        if rate >= size:
            return f"{1e3 * timing.seconds:.3g}", f"{rate / size:.3g} {prefix}{contest.unit}", f"{timing.answer:.6g}"
    return f"{1e3 * timing.seconds:.3g}", f"{rate:.3g} {contest.unit}", f"{timing.answer:.6g}"


if __name__ == "__main__":
    app()
