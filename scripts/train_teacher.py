#!/usr/bin/env python
"""Train the teacher on a real market, from a configuration to `teacher.safetensors`; a killed run goes on exactly."""

import sys
from pathlib import Path
from typing import Annotated

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

import typer  # noqa: E402
from rich.console import Console  # noqa: E402

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
    from aurora_jax.config import ConfigError, load_config
    from aurora_jax.config.teacher import TeacherConfig

    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        chosen = load_config(TeacherConfig, config)
        chosen = chosen if data is None else chosen.updated(data=data)
        chosen = chosen if seed is None else chosen.updated(seed=seed)
        if steps is not None:
            chosen = chosen.updated(optimiser={**chosen.optimiser.model_dump(), "steps": steps})
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.teaching import train

        with exclusive(out):
            train(chosen, out, console=console)
    except (ConfigError, ValueError, ArithmeticError, OSError, RuntimeError) as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
