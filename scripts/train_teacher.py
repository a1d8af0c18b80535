#!/usr/bin/env python
"""Train the teacher on a real market, from a configuration to `teacher.safetensors`; a killed run goes on exactly."""

import sys
from pathlib import Path
from typing import Annotated

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

import typer  # noqa: E402

from scripts.command import console_of_command, errors_in_one_line, settings  # noqa: E402

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = _REPOSITORY / "configs" / "nfsde.yaml",
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on where it stopped.")] = Path(
        "runs/teacher"
    ),
    data: Annotated[str | None, typer.Option(help="Another market than the configuration's: a name or a file.")] = None,
    steps: Annotated[int | None, typer.Option(help="Gradient steps, instead of the configuration's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
) -> None:
    """Train the teacher by likelihood and distance of paths, judged by held-out years.

    Writes [bold]teacher.safetensors[/bold], [bold]embedder.safetensors[/bold] (which reads the teacher's factors off a
    window of returns), [bold]summary.json[/bold], [bold]metrics.jsonl[/bold], [bold]training.png[/bold] and
    [bold]regimes.png[/bold] to the output folder. Use the teacher with
    [bold]python sims/seb_plus.py --teacher OUT[/bold].
    """
    from aurora_jax.config import TeacherConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(TeacherConfig, config, data=data, seed=seed, steps=steps)
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.teaching import train

        with exclusive(out):
            train(chosen, out, console=console)


if __name__ == "__main__":
    app()
