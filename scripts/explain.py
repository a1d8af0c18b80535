#!/usr/bin/env python
"""Say why a forecast is what it is, and what moved kappa, on any bar of a history."""

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
    data: Annotated[str, typer.Option(help="The stream's bars: a packaged market (sp500, nasdaq, us20) or a file.")],
    artifact: Annotated[Path, typer.Option(help="Folder of the artifact.")] = Path("runs/quickstart/artifact"),
    symbol: Annotated[str | None, typer.Option(help="Stream of it; by default the first that is in the data.")] = None,
    at: Annotated[str | None, typer.Option(help="Explain the last bar of this date, or up to this time.")] = None,
    asset: Annotated[str | None, typer.Option(help="Whose forecast; may be left out where there is one.")] = None,
    output: Annotated[
        str, typer.Option(help="mean, scale, log_scale, or quantile_05, _25, _50, _75, _95 of the next log return.")
    ] = "quantile_05",
    bars: Annotated[int, typer.Option(min=1, help="How many of the last bars' features are attributed.")] = 5,
    since_bars: Annotated[int, typer.Option(min=1, help="kappa is compared with this many bars earlier.")] = 21,
    out: Annotated[Path, typer.Option(help="Folder of tables and figures.")] = Path("runs/explain"),
) -> None:
    r"""Split a forecast into scale law, network and features, and kappa_plus into kinds of evidence and assets.

    Both splits add up: contributions by integrated gradients to the forecast, with the error told; kappa's exactly.
    Writes [bold]forecast.csv[/bold], [bold]kappa.csv[/bold], [bold]explanation.json[/bold] and a figure of each. After
    the quickstart:

        python scripts/explain.py --data sp500 --at 2018-02-05
    """
    console = console_of_command()
    with errors_in_one_line():
        from scripts.explaining import Asked, explain  # the library takes seconds to load: not for --help

        asked = Asked(artifact, symbol, data, at, asset, output, bars, since_bars)
        explain(asked, out, console=console)


if __name__ == "__main__":
    app()
