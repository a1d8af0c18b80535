"""The data set as a function: make, resume or repair it on the Ray at hand."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aurora_jax import enable_x64
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.farm import (
    ChunkSpec,
    FarmError,
    Progress,
    Receipt,
    advance_progress,
    carried_over,
    exclusive,
    finish,
    inspect,
    machine_memory_bytes,
    plan,
    refuse_oversized,
    refuse_strangers,
    start_progress,
    sweep,
)
from aurora_jax.teacher import NFSDE, reference_teacher

from .environment import Share, share
from .pool import connected, run_chunks, worker_memory_bytes

TIMINGS = "_timings.jsonl"  # apart from everything that is hashed or compared


class Summary(NamedTuple):
    """What a run did.

    Attributes:
        out: the data set.
        dataset: its manifest: under `cells`, each cell's files and invariants.
        made: chunks made by this run.
        kept: chunks found whole.
        repaired: why chunks that were there had to be made again.
        dropped: cells of earlier runs that the data set no longer lists, and why.
        path_steps: solver steps made by this run.
        seconds: wall time.
    """

    out: Path
    dataset: dict
    made: int
    kept: int
    repaired: tuple[str, ...]
    dropped: tuple[str, ...]
    path_steps: int
    seconds: float


def generate(
    config: SebPlusConfig,
    out: Path | str,
    *,
    teacher: NFSDE | Path | str | None = None,
    workers: int | None = None,
    address: str = "local",
    memory_per_worker: int | None = None,
    gpus_per_worker: float = 0.0,
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
        memory_per_worker: bytes a worker may use; None shares a machine's memory between its workers.
        gpus_per_worker: GPUs of a worker, a fraction where workers share one; 0 makes the chunks on the CPU. The two
            differ in the last bits, so chunks of a GPU are another data set's.
        progress: called with the state of the run as it changes.

    Raises:
        FarmError: if a chunk would not fit into a worker's memory, or the run cannot go on; finished chunks are kept.
        ValueError: if `gpus_per_worker` cannot be handed out.
    """
    enable_x64()
    started = time.perf_counter()
    out = Path(out).absolute()
    each = share(cores=config.threads_per_worker, gpus=gpus_per_worker)
    with exclusive(out):
        model = load_model(config, teacher)
        specs = plan(config, teacher=model, backend=each.backend)
        refuse_strangers(out, specs)
        carried = carried_over(out, specs)
        sweep(out, specs)
        found = [inspect(out, spec) for spec in specs]
        pending = [spec for spec, state in zip(specs, found, strict=True) if state.manifest is None]
        state = start_progress(specs, pending)
        _show(progress, state)
        made = _make(pending, model, out, each, workers=workers, address=address, memory_per_worker=memory_per_worker)
        for receipt in made:
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
        dropped=carried.dropped,
        path_steps=state.path_steps_made,
        seconds=time.perf_counter() - started,
    )


def _make(
    pending: Sequence[ChunkSpec],
    model: NFSDE | None,
    out: Path,
    each: Share,
    *,
    workers: int | None,
    address: str,
    memory_per_worker: int | None,
) -> Iterator[Receipt]:
    """Make the chunks that are missing, if any; a Ray is started for nothing else."""
    if not pending:
        return
    # At once where it is known, before a Ray is started for nothing.
    most = machine_memory_bytes() if memory_per_worker is None else memory_per_worker
    refuse_oversized(pending, model, available_bytes=most)
    with connected(address, workers=workers, threads=each.cores, gpus=each.gpus) as fit:
        if memory_per_worker is None:
            shared = worker_memory_bytes(fit, threads=each.cores, gpus=each.gpus)
            refuse_oversized(pending, model, available_bytes=shared)
        yield from run_chunks(pending, model, out, workers=fit, threads=each.cores, gpus=each.gpus)


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
