"""What a person sees while a command runs: stages with their seconds, and progress bars."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from aurora_jax.farm import Progress as FarmProgress


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
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self.console) as progress:
            task = progress.add_task(name, total=steps, loss="-")
            yield lambda step, loss: progress.update(task, completed=step + 1, loss=f"{loss:.4f}")

    @contextlib.contextmanager
    def paths(self, name: str) -> Iterator[Callable[[FarmProgress], None]]:
        """Show how many of the farm's paths are done; yields what the farm calls as it goes on."""
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("paths"),
            TimeElapsedColumn(),
        )
        with RichProgress(*columns, console=self.console) as progress:
            task = progress.add_task(name, total=None)
            yield lambda state: progress.update(task, total=state.paths, completed=state.paths_done)

    def waiting(self) -> contextlib.AbstractContextManager:
        """Show that work goes on, where there is nothing to count."""
        return self.console.status("   compiling and running")
