#!/usr/bin/env python
"""Generate the SEB+ scenario data set on Ray.

python sims/seb_plus.py --out runs/seb_plus                                        # a private Ray on this machine
ray job submit --working-dir . -- python sims/seb_plus.py --out /data/seb_plus     # a running cluster
ray job submit sims/seb_plus.py                                                    # the same, from its checkout
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

import typer  # noqa: E402
from rich.console import Console  # noqa: E402

from aurora_jax.config import ConfigError, load_config  # noqa: E402
from aurora_jax.config.seb_plus import SebPlusConfig  # noqa: E402
from aurora_jax.farm import (  # noqa: E402
    FarmError,
    inspect,
    machine_memory_bytes,
    plan,
    refuse_oversized,
    size_of,
)
from sims import display  # noqa: E402
from sims.environment import Share, share  # noqa: E402
from sims.generate import Summary as Summary  # noqa: E402
from sims.generate import generate as generate  # noqa: E402
from sims.generate import load_model as load_model  # noqa: E402
from sims.page import write_page  # noqa: E402

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"auto_envvar_prefix": "AURORA_SEB_PLUS"},
)
console = Console(width=None if sys.stdout.isatty() else 140)  # a log has no width to wrap at


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="The catalogue.")] = _REPOSITORY / "configs" / "seb_plus.yaml",
    out: Annotated[Path, typer.Option(help="Folder of the data set; absolute in an uploaded job.")] = Path(
        "runs/seb_plus"
    ),
    teacher: Annotated[
        Path | None, typer.Option(help="Artifact with a fitted teacher; else the reference one.")
    ] = None,
    cells: Annotated[str | None, typer.Option(help="Only these cells, separated by commas.")] = None,
    paths: Annotated[int | None, typer.Option(help="Paths in each cell, instead of the catalogue's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed, instead of the catalogue's.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Ray actors; default: every core.")] = None,
    memory_per_worker: Annotated[
        float | None,
        typer.Option(min=0.01, help="GiB a worker may use; default: its share of the machine's memory."),
    ] = None,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0.0, help="GPUs a worker has, a fraction where workers share one; 0: the CPU alone.")
    ] = 0.0,
    address: Annotated[
        str, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; 'local' starts a private one.")
    ] = "local",
    list_cells: Annotated[bool, typer.Option("--list", help="Print the catalogue and stop.")] = False,
    page: Annotated[bool, typer.Option(help="Draw the data set's page, _index.html, beside it.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan with its size and stop.")] = False,
) -> None:
    """Generate SEB+, the Synthetic Extremes Benchmark, as Parquet files with manifests.

    Try [bold]--list[/bold] for the catalogue, then [bold]--dry-run[/bold] for sizes, then
    [bold]--cells baseline --paths 64 --out /tmp/seb[/bold] for a taste. Killed or out of disk? The same command
    resumes: whole chunks are kept, damaged ones made again, and the result is the same to the byte.

    On a cluster: [bold]ray job submit --working-dir . -- python sims/seb_plus.py --out /shared/seb[/bold]. Every option
    can also be set in the environment, e.g. AURORA_SEB_PLUS_PATHS=64.

    Read it back with [bold]aurora_jax.scenarios.load(out, cell="baseline")[/bold], pandas or DuckDB.
    """
    with _failures_in_one_line():
        chosen = load_config(SebPlusConfig, config).narrowed(
            cells=None if cells is None else [name.strip() for name in cells.split(",")], paths=paths, seed=seed
        )
        if list_cells:
            console.print(display.catalogue_table(chosen.catalogue()))
            return
        out = _lasting(out)
        memory_bytes = None if memory_per_worker is None else int(memory_per_worker * 2**30)
        if dry_run:
            available = _memory_share(chosen, workers) if memory_bytes is None else memory_bytes
            _print_plan(chosen, teacher, out, available, share(cores=chosen.threads_per_worker, gpus=gpus_per_worker))
            return
        with display.progress_display(console) as progress:
            summary = generate(
                chosen,
                out,
                teacher=teacher,
                workers=workers,
                address=address,
                memory_per_worker=memory_bytes,
                gpus_per_worker=gpus_per_worker,
                progress=progress,
            )
        _print_summary(summary, list(chosen.cells))
        if page:
            console.print(f"page: {write_page(summary.out, console)}", highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _failures_in_one_line() -> Iterator[None]:
    """End the command with one line and no traceback where the reader can do something about it."""
    try:
        yield
    except (ConfigError, FarmError, ValueError) as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped; the same command resumes where this one left.", err=True)
        raise typer.Exit(130) from None


def _lasting(out: Path) -> Path:
    """Refuse to write into the copy of the working folder that Ray uploads for a job and later deletes."""
    absolute = out.absolute()
    if "working_dir_files" in absolute.parts and "runtime_resources" in absolute.parts:
        raise FarmError(f"--out {out} lies in Ray's temporary upload, which Ray deletes; give an absolute path.")
    return absolute


def _memory_share(config: SebPlusConfig, workers: int | None) -> int:
    cores = len(os.sched_getaffinity(0))
    return machine_memory_bytes() // (workers or max(cores // config.threads_per_worker, 1))


def _print_plan(config: SebPlusConfig, teacher: Path | None, out: Path, available_bytes: int, each: Share) -> None:
    model = load_model(config, teacher)
    specs = plan(config, teacher=model, backend=each.backend)
    sizes = [size_of(spec, model) for spec in specs]
    found = [inspect(out, spec).manifest is not None for spec in specs]
    console.print(display.plan_table(specs, sizes, found))
    refuse_oversized(specs, model, available_bytes=available_bytes)


def _print_summary(summary: Summary, names: list[str]) -> None:
    for damage in summary.repaired:
        console.print(f"made again: {damage}", highlight=False, soft_wrap=True)
    for cell in summary.dropped:
        console.print(f"no longer listed: {cell}", highlight=False, soft_wrap=True)
    console.print(display.invariants_table(summary.dataset, names))
    console.print(display.verdict_line(summary.dataset, names), highlight=False, soft_wrap=True)
    rate = summary.path_steps / summary.seconds
    console.print(
        f"{summary.made} chunks made, {summary.kept} kept, in {summary.seconds:.1f} s "
        f"({rate:,.0f} path-steps/s, start-up included): {summary.out}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
