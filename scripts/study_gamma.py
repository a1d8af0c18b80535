#!/usr/bin/env python
"""Choose gamma, the weight of kappa against the coverage record, by a grid over a history."""

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
    data: Annotated[str, typer.Option(help="us20, sp500, or a CSV or Parquet file of the stream's bars.")],
    artifact: Annotated[Path, typer.Option(help="Folder that the quickstart wrote.")] = Path(
        "runs/quickstart/artifact"
    ),
    symbol: Annotated[str | None, typer.Option(help="Stream of the artifact; else the first that fits.")] = None,
    since: Annotated[str | None, typer.Option(help="First date, e.g. after the student's training.")] = None,
    gammas: Annotated[str, typer.Option(help="The grid, separated by commas.")] = "0,0.2,0.4,0.6,0.8,1",
    first_share: Annotated[
        float, typer.Option(min=0.1, max=0.9, help="Share of the bars that choose; the others report.")
    ] = 0.5,
    sharpe_min: Annotated[float, typer.Option(help="Least Sharpe ratio of a gamma that may be chosen.")] = 0.0,
    pass_share: Annotated[
        float, typer.Option(min=0.1, max=0.99, help="Share of the first period in PASS, asked of every gamma.")
    ] = 0.7,
    bars_per_year: Annotated[float, typer.Option(min=1.0, help="For the Sharpe ratio.")] = 252.0,
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/gamma"),
) -> None:
    """Replay a history at each gamma of kappa_plus = gamma kappa + (1 - gamma)(1 - BCC), and keep the Pareto front.

    The first part of the history sets the acceptance thresholds of each gamma (so that all are in PASS about as often)
    and chooses the gamma of least CVaR among those with a Sharpe ratio of at least [bold]--sharpe-min[/bold]; the
    second part reports. Writes gamma.json and gamma.png.

        python scripts/study_gamma.py --data sp500 --since 2003-01-01
    """
    console = console_of_command()
    with errors_in_one_line():
        grid = _numbers(gammas)
        from scripts.gammas import Asked, study  # heavy imports only once the cheap mistakes are out of the way

        asked = Asked(artifact, symbol, data, since, grid, first_share, sharpe_min, pass_share, bars_per_year)
        study(asked, out, console=console)


def _numbers(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"--gammas must be numbers separated by commas, was {text}.") from None
    if len(set(found)) != len(found):
        raise ValueError(f"--gammas must not repeat a value, was {text}.")
    return found


if __name__ == "__main__":
    app()
