#!/usr/bin/env python
"""Compare a trained teacher with simpler markets on years that no model has seen."""

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
    config: Annotated[Path, typer.Option(help="Settings that the teacher was trained with.")] = _REPOSITORY
    / "configs"
    / "nfsde.yaml",
    teacher: Annotated[Path, typer.Option(help="Folder of its training; not with --train.")] = Path("runs/teacher"),
    train: Annotated[
        bool,
        typer.Option(
            help="Train the teacher first, and one without each part, in OUT/teachers; what is there is kept."
        ),
    ] = False,
    ablations: Annotated[
        str, typer.Option(help="With --train: parts to leave out in turn, separated by commas.")
    ] = "no jumps,no roughness,no excitation",
    ablation: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER of a teacher trained without a part; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/study"),
    data: Annotated[str | None, typer.Option(help="The market, if not the configuration's.")] = None,
    window_bars: Annotated[int, typer.Option(help="Bars of a held-out window.")] = 64,
    copies: Annotated[int, typer.Option(help="Simulated twins of each window.")] = 16,
    depth: Annotated[int, typer.Option(help="Of the signatures.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the simulations.")] = 1337,
) -> None:
    """Simulate the test years with the teacher, GARCH(1,1)-t with a t copula and a Gaussian SDE, and compare.

    Writes [bold]study.html[/bold], [bold]study.json[/bold] and the figures. Every model starts each window from what it
    makes of the returns before it. The whole study of a market, teachers without jumps, without roughness and without
    excitation included, is one command; run again it goes on where it stopped:

        python scripts/study_teacher.py --train --config configs/nfsde.yaml --out runs/study_us20
    """
    from aurora_jax.config import TeacherConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(TeacherConfig, config, data=data)
        folders = {"teacher": teacher, **dict(_named(text) for text in ablation or ())}
        parts = _parts(ablations) if train else []
        if not train:
            _require(folders)
        from scripts.studying import study  # heavy imports only once the cheap mistakes are out of the way

        def find(market):
            if not train:
                return folders
            from scripts.study_variants import train_variants

            return train_variants(chosen, market, out / "teachers", parts, console=console)

        study(chosen, find, out, console=console, window_bars=window_bars, copies=copies, depth=depth, seed=seed)


def _parts(text: str) -> list[str]:
    from aurora_jax.config import ABLATIONS

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in ABLATIONS:
            raise ValueError(f"--ablations {name!r} is unknown; choose among {', '.join(ABLATIONS)}.")
    return names


def _require(folders: dict[str, Path]) -> None:
    for name, folder in folders.items():
        if not (folder / "teacher.safetensors").exists():
            raise ValueError(
                f"{name}: {folder} holds no teacher.safetensors; train it (python scripts/train_teacher.py --out "
                f"{folder}), or let this command do it with --train."
            )


def _named(text: str) -> tuple[str, Path]:
    name, found, folder = text.partition("=")
    if not found:
        raise ValueError(f"--ablation must be NAME=FOLDER, was {text}.")
    return name, Path(folder)


if __name__ == "__main__":
    app()
