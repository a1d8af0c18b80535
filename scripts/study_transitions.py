#!/usr/bin/env python
"""Compare how soon the crossbar's transitions, BOCPD and a hidden Markov model notice that a law has changed."""

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
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/transitions"),
    flips: Annotated[int, typer.Option(min=20, help="Series with a change of law, for each change.")] = 400,
    stationary: Annotated[int, typer.Option(min=10, help="Series without one; they set the thresholds.")] = 160,
    bars: Annotated[int, typer.Option(min=1000, help="Bars of each of them.")] = 3000,
    change: Annotated[
        list[int] | None,
        typer.Option(
            help="Only this change; may be repeated. 1 AR to GARCH, 2 with twice the deviation, 3 GARCH to "
            "AR, 4 ARMA to AR."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 0,
) -> None:
    r"""Simulate changes of law (AR to GARCH and others) and measure delay against false alarms.

    Every detector's threshold is swept over series whose law never changes, so that all are compared at the same rate
    of false alarms: 1 in 1,000 and 1 in 2,000 bars. Settings are chosen on design series, the rivals' for each change
    apart, the crossbar's once for all; delays are reported on other series. Writes [bold]transitions.html[/bold],
    [bold]transitions.json[/bold] and the figure. Needs dynamax ([bold]pip install 'aurora-jax\[peers]'[/bold]).
    Run again it goes on where it stopped. A first look takes a few minutes:

        python scripts/study_transitions.py --flips 100 --stationary 60 --bars 2000 --out runs/transitions_small
    """
    console = console_of_command()
    with errors_in_one_line():
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from aurora_jax.study import Sizes
        from scripts.switching import study

        out.mkdir(parents=True, exist_ok=True)
        with exclusive(out):
            study(Sizes(flips, stationary, bars), seed, out, changes=change or (), console=console)


if __name__ == "__main__":
    app()
