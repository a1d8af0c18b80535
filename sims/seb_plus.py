#!/usr/bin/env python
"""Generate the SEB+ scenario data set on Ray.

python sims/seb_plus.py --out runs/seb_plus                                        # a private Ray on this machine
ray job submit --working-dir . -- python sims/seb_plus.py --out /data/seb_plus     # a running cluster
ray job submit sims/seb_plus.py                                                    # the same, from its checkout
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

_REPOSITORY = Path(__file__).resolve().parent.parent
if str(_REPOSITORY) not in sys.path:  # run as a file, Python sees only this folder
    sys.path.insert(0, str(_REPOSITORY))

import typer  # noqa: E402
from rich.console import Console  # noqa: E402

from aurora_jax import enable_x64  # noqa: E402
from aurora_jax.config import ConfigError, load_config  # noqa: E402
from aurora_jax.config.seb_plus import SebPlusConfig  # noqa: E402
from aurora_jax.farm import (  # noqa: E402
    FarmError,
    Progress,
    Receipt,
    advance_progress,
    exclusive,
    finish,
    inspect,
    plan,
    refuse_strangers,
    size_of,
    start_progress,
    sweep,
)
from aurora_jax.teacher import NFSDE, reference_teacher  # noqa: E402
from sims import display  # noqa: E402
from sims.pool import connected, run_chunks  # noqa: E402

TIMINGS = "_timings.jsonl"  # apart from everything that is hashed or compared


class Summary(NamedTuple):
    """What a run did.

    Attributes:
        out: the data set.
        dataset: its manifest: under `cells`, each cell's files and invariants.
        made: chunks made by this run.
        kept: chunks found whole.
        repaired: why chunks that were there had to be made again.
        path_steps: solver steps made by this run.
        seconds: wall time.
    """

    out: Path
    dataset: dict
    made: int
    kept: int
    repaired: tuple[str, ...]
    path_steps: int
    seconds: float


def generate(
    config: SebPlusConfig,
    out: Path | str,
    *,
    teacher: NFSDE | Path | str | None = None,
    workers: int | None = None,
    address: str = "local",
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Make, resume or repair the data set of `config` in `out`; the Ray at hand is used, else one at `address`.

    The same arguments give the same bytes, whatever the workers, their order, and how often the run was killed.

    Args:
        config: the catalogue.
        out: folder of the data set, seen by every node of the cluster.
        teacher: a fitted teacher, or the artifact that holds one; None uses the documented reference teacher.
        workers: actors; None uses every core.
        address: a Ray cluster, or "local" for a private one that ends with this call.
        progress: called with the state of the run as it changes.

    Raises:
        FarmError: if the run cannot go on; finished chunks are kept.
    """
    enable_x64()
    started = time.perf_counter()
    out = Path(out).absolute()
    with exclusive(out):
        model = load_model(config, teacher)
        specs = plan(config, teacher=model)
        refuse_strangers(out, specs)
        sweep(out, specs)
        found = [inspect(out, spec) for spec in specs]
        pending = [spec for spec, state in zip(specs, found, strict=True) if state.manifest is None]
        state = start_progress(specs, pending)
        _show(progress, state)
        if pending:
            threads = config.threads_per_worker
            with connected(address, workers=workers, threads=threads) as fit:
                for receipt in run_chunks(pending, model, out, workers=fit, threads=threads):
                    state = advance_progress(state, receipt, elapsed_s=time.perf_counter() - started)
                    _log_timing(out, receipt)
                    _show(progress, state)
        dataset = finish(out, specs)
        sweep(out, specs)
    return Summary(
        out=out,
        dataset=dataset,
        made=len(pending),
        kept=len(specs) - len(pending),
        repaired=tuple(state.damage for state in found if state.damage),
        path_steps=state.path_steps_made,
        seconds=time.perf_counter() - started,
    )


def load_model(config: SebPlusConfig, teacher: NFSDE | Path | str | None) -> NFSDE | None:
    """Return the teacher that `generate` was given, or the reference teacher; None where no cell needs any."""
    if not any(cell.family.needs_teacher for cell in config.catalogue()):
        return None
    if teacher is None:
        return reference_teacher(config.reference_assets)
    if isinstance(teacher, NFSDE):
        return teacher
    from aurora_jax.engine import ArtifactError, load_teacher  # only here: the engine is most of the code base

    try:
        return load_teacher(teacher)
    except ArtifactError as error:
        raise FarmError(str(error)) from None


def _show(progress: Callable[[Progress], None] | None, state: Progress) -> None:
    if progress is not None:
        progress(state)


def _log_timing(out: Path, receipt: Receipt) -> None:
    # A log, not data: on a full disk the chunk's own write is the one that must complain.
    with contextlib.suppress(OSError), (out / TIMINGS).open("a") as file:
        file.write(json.dumps({"at": time.time(), **receipt._asdict()}) + "\n")


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
    address: Annotated[
        str, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; 'local' starts a private one.")
    ] = "local",
    list_cells: Annotated[bool, typer.Option("--list", help="Print the catalogue and stop.")] = False,
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
    try:
        chosen = load_config(SebPlusConfig, config).narrowed(
            cells=None if cells is None else [name.strip() for name in cells.split(",")], paths=paths, seed=seed
        )
        if list_cells:
            console.print(display.catalogue_table(chosen.catalogue()))
            return
        out = _lasting(out)
        if dry_run:
            _print_plan(chosen, teacher, out)
            return
        with display.progress_display(console) as progress:
            summary = generate(chosen, out, teacher=teacher, workers=workers, address=address, progress=progress)
    except (ConfigError, FarmError, ValueError) as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped; the same command resumes where this one left.", err=True)
        raise typer.Exit(130) from None
    _print_summary(summary, list(chosen.cells))


def _lasting(out: Path) -> Path:
    """Refuse to write into the copy of the working folder that Ray uploads for a job and later deletes."""
    absolute = out.absolute()
    if "working_dir_files" in absolute.parts and "runtime_resources" in absolute.parts:
        raise FarmError(f"--out {out} lies in Ray's temporary upload, which Ray deletes; give an absolute path.")
    return absolute


def _print_plan(config: SebPlusConfig, teacher: Path | None, out: Path) -> None:
    model = load_model(config, teacher)
    specs = plan(config, teacher=model)
    sizes = [size_of(spec, model) for spec in specs]
    found = [inspect(out, spec).manifest is not None for spec in specs]
    console.print(display.plan_table(specs, sizes, found))


def _print_summary(summary: Summary, names: list[str]) -> None:
    for damage in summary.repaired:
        console.print(f"made again: {damage}", highlight=False, soft_wrap=True)
    console.print(display.invariants_table(summary.dataset, names))
    rate = summary.path_steps / summary.seconds
    console.print(
        f"{summary.made} chunks made, {summary.kept} kept, in {summary.seconds:.1f} s "
        f"({rate:,.0f} path-steps/s, start-up included): {summary.out}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
