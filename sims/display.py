"""What the SEB+ command shows: catalogue, plan, progress, result."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table

from aurora_jax.farm import ChunkSpec, Progress, Size, cells_of
from aurora_jax.scenarios import Cell, Severity

_QUIET_S = 5.0


def catalogue_table(cells: Sequence[Cell]) -> Table:
    """Return the catalogue as a table."""
    table = Table(
        Column("cell", no_wrap=True),
        "family",
        Column("regimes", no_wrap=True),
        "steps",
        "paths",
        "law or severity",
        "asked for",
        title="SEB+ catalogue",
    )
    for cell in cells:
        about = cell.description()
        neutral = Severity().description()
        source = about["law"] or {name: value for name, value in about["severity"].items() if value != neutral[name]}
        table.add_row(
            cell.name,
            cell.family.value,
            " ".join(f"{label}" for label in about["regimes"]) + f" x {cell.block_steps}",
            f"{cell.steps:,}",
            f"{cell.paths:,}",
            _pairs(source),
            _wanted(cell),
        )
    return table


def plan_table(specs: Sequence[ChunkSpec], sizes: Sequence[Size], found: Sequence[bool]) -> Table:
    """Return the plan with its size estimates; `found` tells which chunks are already there."""
    table = Table(
        Column("cell", no_wrap=True),
        "chunks",
        "already there",
        "paths",
        "path-steps",
        "size",
        "memory a worker",
        title="Plan",
    )
    of = dict(zip((spec.file for spec in specs), zip(sizes, found, strict=True), strict=True))
    for name, chunks in [*cells_of(specs).items(), ("total", list(specs))]:
        known = [of[spec.file] for spec in chunks]
        table.add_row(
            name,
            f"{len(chunks):,}",
            f"{sum(there for _, there in known):,}",
            f"{sum(spec.paths for spec in chunks):,}",
            f"{sum(spec.path_steps for spec in chunks):,}",
            _mib(sum(size.file_bytes for size, _ in known)),
            _mib(max(size.memory_bytes for size, _ in known)),
            end_section=name == list(cells_of(specs))[-1],
        )
    return table


def invariants_table(dataset: dict, names: Sequence[str]) -> Table:
    """Return, for each cell, the invariants measured (mean and standard error over paths) and those asked for."""
    cells = {name: dataset["cells"][name] for name in names}
    # The cell alone may not be cut: it is what a reader looks for.
    columns = sorted({name for entry in cells.values() for name in entry["invariants"]})
    table = Table(
        Column("cell", no_wrap=True),
        "paths",
        *columns,
        title="Invariants of log returns: measured ± standard error [asked for]",
    )
    for name, entry in cells.items():
        table.add_row(name, f"{entry['paths']:,}", *(_measured(entry["invariants"].get(column)) for column in columns))
    return table


def verdict_line(dataset: dict, names: Sequence[str]) -> str:
    """Say how many of the invariants asked for pass, and name those that miss."""
    verdicts = {
        f"{name} {invariant}": report["passed"]
        for name in names
        for invariant, report in dataset["cells"][name]["invariants"].items()
        if report["passed"] is not None
    }
    missed = [about for about, passed in verdicts.items() if not passed]
    line = f"{len(verdicts) - len(missed)} of {len(verdicts)} invariants asked for pass"
    return f"{line}; missed: {', '.join(missed)}" if missed else line


@contextlib.contextmanager
def progress_display(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress: a bar on a terminal, a line every few seconds in a log."""
    if not console.is_terminal:
        yield _LogLines(console)
        return
    with Bar(
        TextColumn("SEB+"), BarColumn(), TextColumn("{task.percentage:>3.0f}%  {task.description}"), console=console
    ) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda p: bar.update(task, total=p.path_steps, completed=p.path_steps_done, description=_caption(p))


class _LogLines:
    """Prints a line when something is done, at most one every few seconds, and one at the end."""

    def __init__(self, console: Console):
        self._console = console
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        finished = progress.paths_done == progress.paths
        if time.monotonic() < self._next and not finished:
            return
        self._next = time.monotonic() + _QUIET_S
        share = progress.path_steps_done / progress.path_steps
        self._console.print(f"SEB+ {share:4.0%}  {_caption(progress)}", highlight=False, soft_wrap=True)


def _caption(progress: Progress) -> str:
    rate, eta = progress.rate, progress.remaining_s
    speed = "-" if rate is None else f"{rate:,.0f}"
    wait = "-" if eta is None else f"{int(eta) // 60}:{int(eta) % 60:02d}"
    return (
        f"{progress.cells_done}/{progress.cells} cells  {progress.paths_done:,}/{progress.paths:,} paths  "
        f"{speed} path-steps/s  ETA {wait}"
    )


def _measured(report: dict | None) -> str:
    if report is None or report["measured"] is None:
        return "-"
    error = "" if report["standard_error"] is None else f" ± {report['standard_error']:.3f}"
    mark = {True: " [green]pass[/green]", False: " [bold red]miss[/bold red]", None: ""}[report["passed"]]
    return f"{report['measured']:.3f}{error}{_asked(report['asked'], report['bounds'])}{mark}"


def _asked(value: float | None, bounds: Sequence[float | None] | None) -> str:
    words = [] if value is None else [f"{value:.3f}"]
    if bounds is not None:
        words += [f"{sign} {bound:.3g}" for sign, bound in zip(("≥", "≤"), bounds, strict=True) if bound is not None]
    return f" [bold]\\[{', '.join(words)}][/bold]" if words else ""


def _wanted(cell: Cell) -> str:
    asked = cell.asked()
    exact = [_pairs(dict(asked.targets))] if asked.targets else []
    bounds = [f"{name}{_asked(None, bound)}" for name, bound in asked.bounds.items()]
    return ", ".join([*exact, *bounds])


def _pairs(values: dict) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
