#!/usr/bin/env python
"""Compare the student's one-step forecasts of bars that nothing was fitted to with those of GARCH and others."""

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
    config: Annotated[Path, typer.Option(help="Settings that the student was trained with.")] = _REPOSITORY
    / "configs"
    / "dssm.yaml",
    student: Annotated[Path, typer.Option(help="Folder of its training; not with --train.")] = Path("runs/student"),
    train: Annotated[
        bool, typer.Option(help="Train the student first, in OUT/student; what is there goes on.")
    ] = False,
    teacher: Annotated[Path | None, typer.Option(help="With --train: folder of the student's teacher.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/forecasts"),
    data: Annotated[str | None, typer.Option(help="The market, if not the configuration's.")] = None,
    historical_bars: Annotated[int, typer.Option(min=2, help="Bars of the historical quantiles.")] = 500,
) -> None:
    """Forecast the test period bar by bar, and score: CRPS, log-likelihood, pinball losses, calibration.

    Rivals are GARCH(1,1)-t, GJR-GARCH-t of [bold]arch[/bold], EWMA-t and historical quantiles, fitted on all bars
    before the test period. Writes [bold]forecasts.html[/bold], [bold]forecasts.json[/bold] and the figures. The
    whole study of a market is one command; run again it goes on where it stopped:

        python scripts/study_forecasts.py --train --config configs/dssm.yaml --out runs/forecasts_us20
    """
    from aurora_jax.config import StudentConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(StudentConfig, config, data=data)
        folder = out / "student" if train else student
        if not train and teacher is not None:
            raise ValueError("--teacher is for --train; a student that is trained has had its teacher.")
        if not train and not (folder / "student.safetensors").exists():
            raise ValueError(
                f"{folder} holds no student.safetensors; train it (python scripts/train_student.py --out {folder}), "
                "or let this command do it with --train."
            )
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.forecasting import study

        if train:
            from scripts.distilling import train as train_student

            with exclusive(folder):
                train_student(chosen, teacher, folder, console=console)
        study(chosen, folder, out, historical_bars=historical_bars, console=console)


if __name__ == "__main__":
    app()
