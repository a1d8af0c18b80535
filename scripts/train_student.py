#!/usr/bin/env python
"""Train the student on a real market and on what its teacher simulates; a killed run goes on exactly."""

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
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = _REPOSITORY / "configs" / "dssm.yaml",
    teacher: Annotated[
        Path | None, typer.Option(help="Folder of a teacher trained on the same market; without one, real data alone.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on where it stopped.")] = Path(
        "runs/student"
    ),
    data: Annotated[str | None, typer.Option(help="Another market than the configuration's: a name or a file.")] = None,
    steps: Annotated[int | None, typer.Option(help="Gradient steps, instead of the configuration's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
) -> None:
    """Train the deep state-space model, judged by its one-step forecasts of later years.

    Writes [bold]student.safetensors[/bold], [bold]summary.json[/bold], [bold]metrics.jsonl[/bold] and
    [bold]training.png[/bold] to the output folder. Compare its forecasts with those of GARCH and others by
    [bold]python scripts/study_forecasts.py --student OUT[/bold].
    """
    from aurora_jax.config import StudentConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(StudentConfig, config, data=data, seed=seed, steps=steps)
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.distilling import train

        with exclusive(out):
            train(chosen, teacher, out, console=console)


if __name__ == "__main__":
    app()
