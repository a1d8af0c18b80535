#!/usr/bin/env python
"""Compare AURORA's conformal intervals with those of the published methods, on the same scores."""

import sys
from pathlib import Path
from typing import Annotated

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

import typer  # noqa: E402

from scripts.command import console_of_command, errors_in_one_line  # noqa: E402

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/conformal"),
    data: Annotated[Path, typer.Option(help="Folder of the files that do not come with AURORA.")] = Path(
        "../shared/data"
    ),
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this group of series; may be repeated: elec2, changepoint (four forecasters each), sp500, us20 "
            "(20 stocks), minute (BTC), coins (hourly), simulated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated series.")] = 0,
) -> None:
    """Run every conformal method over the same scores and compare coverage, width and interval score at alpha = .1.

    Methods: AURORA's guarded mixture and the engine's controller, ACI, DtACI, conformal PID, quantile tracking, and the
    plain, weighted and block rules over the last 500 scores. Each has one setting for all series. Groups whose file is
    not in [bold]--data[/bold] are left out, and told of; sp500, us20 and simulated need none. Writes
    [bold]conformal.html[/bold], [bold]conformal.json[/bold] and the figures. Run again it goes on where it stopped. A
    first look takes a minute:

        python scripts/study_conformal.py --group sp500 --group simulated --out runs/conformal_small
    """
    console = console_of_command()
    with errors_in_one_line():
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.conforming import study

        out.mkdir(parents=True, exist_ok=True)
        with exclusive(out):
            study(group or (), seed, data, out, console=console)


if __name__ == "__main__":
    app()
