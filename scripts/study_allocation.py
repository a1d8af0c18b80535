#!/usr/bin/env python
"""Walk portfolios of 20 stocks forward: worst-case expected shortfall over radii against its rivals."""

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
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/allocation"),
    window_bars: Annotated[int, typer.Option(min=64, help="Days of history that each choice sees.")] = 512,
    rebalance_bars: Annotated[int, typer.Option(min=1, help="Days between choices.")] = 21,
    multiple: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0, help="Radius in multiples of p ES(equal weight); may be repeated. 0, .03, .1, .3, 1, 3 by default."
        ),
    ] = None,
    tail_probability: Annotated[float, typer.Option(min=0.001, max=0.5, help="p that the weights guard.")] = 0.05,
    cost_bp: Annotated[float, typer.Option(min=0.0, help="Cost of what is traded, in 1/100 of a per cent.")] = 5.0,
    start: Annotated[
        str | None, typer.Option(help="First day used, e.g. 2010-01-01; the data's first if none.")
    ] = None,
    reported_from: Annotated[
        str, typer.Option(help="First day reported; days before it choose the radius.")
    ] = "2007-01-01",
    resamples: Annotated[int, typer.Option(min=99, help="Of the bootstrap.")] = 499,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
) -> None:
    r"""Choose weights each month from the days before it, hold them at a cost, and report what they were worth.

    Rules are DRO-ES at each radius (0 is the plain CVaR portfolio), least variance of a Ledoit-Wolf covariance, and
    equal weight, with weights in \[-0.2, 0.5] and long only in \[0, 0.5]. The radius of least ES 95 before
    [bold]--reported-from[/bold] is the one that is reported after it. Writes [bold]allocation.html[/bold],
    [bold]allocation.json[/bold] and the figures; run again it goes on where it stopped. A first look takes a minute:

        python scripts/study_allocation.py --start 2012-01-01 --reported-from 2018-01-01 --out runs/allocation_small
    """
    console = console_of_command()
    with errors_in_one_line():
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.allocating import MULTIPLES, Asked, study

        asked = Asked(
            window_bars=window_bars,
            rebalance_bars=rebalance_bars,
            multiples=tuple(sorted(set(multiple))) if multiple else MULTIPLES,
            tail_probability=tail_probability,
            cost_per_turnover=1e-4 * cost_bp,
            start=start,
            reported_from=reported_from,
            resamples=resamples,
            seed=seed,
        )
        out.mkdir(parents=True, exist_ok=True)
        with exclusive(out):
            study(asked, out, console=console)


if __name__ == "__main__":
    app()
