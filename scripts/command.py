"""What commands do alike: settings from a file with options over them, and one line for what is wrong."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer
from rich.console import Console

if TYPE_CHECKING:  # the library takes seconds to load: only once it is needed
    from aurora_jax.config import RouterConfig, StudentConfig, TeacherConfig

    Config = TypeVar("Config", RouterConfig, StudentConfig, TeacherConfig)

EXPECTED = (ValueError, ArithmeticError, OSError, RuntimeError)
"""What a user can do something about; anything else is our own mistake and keeps its traceback."""


@contextlib.contextmanager
def errors_in_one_line(*more: type[Exception]) -> Iterator[None]:
    """End the command with one line where its user can do something about what is wrong; `more` beside `EXPECTED`."""
    try:
        yield
    except (*EXPECTED, *more) as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None


def console_of_command() -> Console:
    """Return a console as wide as the terminal, or 120 columns where there is none."""
    return Console(width=None if sys.stdout.isatty() else 120)


def settings(
    kind: "type[Config]",
    path: Path,
    *,
    data: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
) -> "Config":
    """Read a configuration and put options over it; None leaves what the file says.

    Raises:
        ConfigError: names the place, the value and the remedy.
    """
    from aurora_jax.config import load_config

    chosen = load_config(kind, path)
    chosen = chosen if data is None else chosen.updated(data=data)
    chosen = chosen if seed is None else chosen.updated(seed=seed)
    if steps is None:
        return chosen
    from aurora_jax.config import RouterConfig

    if isinstance(chosen, RouterConfig):
        return chosen.updated(steps=steps)
    return chosen.updated(optimiser={**chosen.optimiser.model_dump(), "steps": steps})
