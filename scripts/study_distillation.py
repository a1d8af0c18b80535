#!/usr/bin/env python
"""Train students with and without each part of the distillation, and judge them on bars and paths none has seen."""

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
    teacher: Annotated[Path, typer.Option(help="Folder of the students' teacher, as train_teacher.py leaves it.")],
    config: Annotated[Path, typer.Option(help="Settings of the students.")] = _REPOSITORY / "configs" / "dssm.yaml",
    out: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("runs/distillation"),
    data: Annotated[str | None, typer.Option(help="The market, if not the configuration's.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Gradient steps of each student.")] = None,
) -> None:
    """Train seven students: without a teacher, with the whole distillation, and without each of its parts.

    Each is judged by the evidence and the forecasts of the test years, and by how like its own paths are to paths of
    the teacher that no student saw: signature distance, losses beyond the teacher's 95 % loss. Writes
    [bold]distillation.json[/bold] and [bold]distillation.png[/bold]; run again it goes on where it stopped:

        python scripts/study_distillation.py --teacher runs/teacher --config configs/dssm.yaml
    """
    from aurora_jax.config import StudentConfig

    console = console_of_command()
    with errors_in_one_line():
        chosen = settings(StudentConfig, config, data=data, steps=steps)
        if not (teacher / "teacher.safetensors").exists():
            raise ValueError(
                f"{teacher} holds no teacher.safetensors; train it (python scripts/train_teacher.py --out {teacher})."
            )
        from aurora_jax.farm import exclusive  # heavy imports only once the cheap mistakes are out of the way
        from scripts.ablating import study

        with exclusive(out):
            study(chosen, teacher, out, console=console)


if __name__ == "__main__":
    app()
