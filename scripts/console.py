"""What a person sees while a command runs: stages with their seconds, and progress bars."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Stages:
    """Runs stages one after another, says which one is on, and keeps the seconds of each."""

    def __init__(self, console: Console):
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str, says: str) -> Iterator[None]:
        """Announce a stage and time it."""
        self.console.print(f"[bold cyan]{len(self.seconds) + 1:2d}[/] [bold]{name:<12}[/] {says}")
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.console.print(f"   [dim]{self.seconds[name]:.1f} s[/]")

    @contextlib.contextmanager
    def bar(self, name: str, steps: int) -> Iterator[Callable[[int, float], None]]:
        """Show a progress bar with the present loss; yields what a training loop calls after each step."""
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(name, total=steps, loss=float("nan"))
            yield lambda step, loss: progress.update(task, completed=step + 1, loss=loss)
