#!/usr/bin/env python
"""Measure the causal tail field and the transfer gate: false edges, known graphs, power, real pairs."""

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
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/transfer"),
    data: Annotated[Path, typer.Option(help="Folder with the hourly coins; without it those pairs are left out.")] = (
        Path("../shared/data")
    ),
    markets: Annotated[int, typer.Option(min=2, help="Markets without causes, of each kind.")] = 200,
    cells: Annotated[int, typer.Option(min=2, help="Contagion cells for each number of bars and assets.")] = 30,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs of domains for each target and number of bars.")] = 100,
    bars: Annotated[
        list[int] | None, typer.Option(help="Bars of a domain, at least 640; may be repeated. 4096 in other tables.")
    ] = None,
    assets: Annotated[int, typer.Option(min=3, help="Series of a market; cells are also shown with half of them.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 0,
) -> None:
    """Ask whether extremes cause extremes, where the answer is known, and whether markets are alike.

    Four tables: false edges on markets without causes (independent, commonly shocked, light-tailed); F1 on contagion
    cells whose graph is known; verdicts of the transfer gate on pairs of the same law and of others, over the number of
    bars; and real pairs. Writes [bold]transfer.html[/bold], [bold]transfer.json[/bold] and two figures. Run again it
    goes on where it stopped. A first look takes a few minutes:

        python scripts/study_transfer.py --markets 10 --cells 4 --pairs 6 --bars 2048 --out runs/transfer_small
    """
    console = console_of_command()
    with errors_in_one_line():
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.transferring import Sizes, study

        sizes = Sizes(markets, cells, pairs, tuple(sorted(set(bars or (1024, 2048, 4096, 8192)))), assets)
        out.mkdir(parents=True, exist_ok=True)
        with exclusive(out):
            study(sizes, seed, out, data=data, console=console)


if __name__ == "__main__":
    app()
