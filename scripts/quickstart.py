#!/usr/bin/env python
"""From packaged market data to a certified, servable artifact, on one machine, in minutes."""

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
    config: Annotated[Path, typer.Option(help="Settings of the run.")] = _REPOSITORY / "configs" / "quickstart.yaml",
    out: Annotated[Path, typer.Option(help="Folder of the run; replaced when the run is done.")] = Path(
        "runs/quickstart"
    ),
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the configuration's.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of your own basket, instead of the packaged stocks.")
    ] = None,
) -> None:
    """Fit, simulate, distil, route, certify and publish: the whole of AURORA on real data.

    Writes [bold]report.html[/bold], [bold]summary.json[/bold], [bold]timings.json[/bold], [bold]artifact/[/bold] and
    [bold]scenarios/[/bold] to the output folder. Open the report in a browser; serve the artifact with
    [bold]serve run serve.app:aurora[/bold]. The same seed gives the same summary, byte for byte.
    """
    from aurora_jax.config import QuickstartConfig, load_config

    console = console_of_command()
    with errors_in_one_line():
        chosen = load_config(QuickstartConfig, config)
        chosen = chosen if seed is None else chosen.reseeded(seed)
        _require_writable(out)
        from scripts.run import run  # heavy imports only once the cheap mistakes are out of the way

        run(chosen, out, data=data, console=console)


def _require_writable(out: Path) -> None:
    """Fail before the work, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"{out}: cannot be written ({error.strerror}); choose another folder with --out.") from None


if __name__ == "__main__":
    app()
