#!/usr/bin/env python
"""Train the regime router on a market, and judge it on windows, paths and laws that it was not trained on."""

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
    student: Annotated[Path, typer.Option(help="Folder of a student trained on the same market.")],
    config: Annotated[Path, typer.Option(help="Settings of training and study.")] = _REPOSITORY
    / "configs"
    / "router.yaml",
    teacher: Annotated[
        Path | None, typer.Option(help="Folder of a teacher of the same market, whose windows are trained on, too.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; earlier ones are replaced.")] = Path("runs/router"),
    data: Annotated[str | None, typer.Option(help="Another market than the configuration's: a name or a file.")] = None,
    pool: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of an earlier run on another market, pooled with; may be repeated."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Gradient steps of each router.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
) -> None:
    """Train routers by blocks of time, each judged on the block that it has not seen, and one that is kept.

    Writes [bold]router.safetensors[/bold], [bold]summary.json[/bold], [bold]held_out.parquet[/bold],
    [bold]reliability.png[/bold] and [bold]monotonicity.png[/bold] to the output folder.
    """
    from aurora_jax.config import RouterConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(RouterConfig, config, data=data, seed=seed, steps=steps)
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.routing import train

        with exclusive(out):
            train(chosen, student, teacher, out, pool=tuple(pool or ()), console=console)


if __name__ == "__main__":
    app()
