"""A pool of Ray actors that make chunks and hand back receipts."""

import contextlib
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Under `uv run` Ray would rebuild an environment for every worker; this one is already installed.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# Ray's announced future behaviour: an actor without GPUs leaves the accelerator variables alone.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayActorError, RayTaskError

from aurora_jax import enable_x64
from aurora_jax.core.threads import THREADS
from aurora_jax.farm import ChunkSpec, FarmError, Receipt, Schedule, run_chunk
from aurora_jax.teacher import NFSDE

REPOSITORY = Path(__file__).resolve().parent.parent
IN_FLIGHT_PER_WORKER = 2  # one running, one waiting: a worker never idles, and little is lost when it dies
RESTARTS = 3
_OBJECT_STORE_BYTES = 100 * 2**20  # only the teacher and receipts go through it


class Worker:
    """An actor: its compiled simulation lives as long as it does."""

    def __init__(self):
        enable_x64()

    def ready(self) -> None:
        """Answer, once the process has imported everything."""

    def run(self, spec: ChunkSpec, teacher: NFSDE | None, out: str) -> Receipt:
        """Make one chunk. The teacher comes with each call, as a reference: a restarted actor starts from nothing."""
        return run_chunk(spec, teacher, Path(out))


@contextlib.contextmanager
def connected(address: str, *, workers: int | None, threads: int) -> Iterator[int]:
    """Use the Ray at hand, else connect to `address` ("local": a private one), and yield how many workers fit.

    What was started here is shut down here, and nothing else is.

    Raises:
        FarmError: if there is no cluster at `address`, or it has too few cores for one worker.
    """
    started = not ray.is_initialized()
    if started:
        _connect(address, cores=(workers or max(len(os.sched_getaffinity(0)) // threads, 1)) * threads)
    try:
        fit = int(ray.cluster_resources().get("CPU", 0.0)) // threads
        if fit < 1:
            raise FarmError(f"this Ray cluster has no {threads} free cores for one worker; lower threads_per_worker.")
        yield min(workers or fit, fit)
    finally:
        if started:
            ray.shutdown()


def _connect(address: str, *, cores: int) -> None:
    local = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    options = {"address": address, "logging_level": logging.ERROR, "log_to_driver": False}
    with warnings.catch_warnings():
        # Ray forks processes that are replaced at once and never touch the threads that jax warns about.
        warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
        try:
            ray.init(**options, **(local if address == "local" else {}))
        # Ray raises a bare Exception where a node does not come up in time.
        except Exception as error:
            reason = str(error).splitlines()[0]
            remedy = "is the machine overloaded?" if address == "local" else "--address local starts one of its own."
            raise FarmError(f"no Ray at {address!r} ({reason}); {remedy}") from None


def run_chunks(
    specs: Sequence[ChunkSpec], teacher: NFSDE | None, out: Path, *, workers: int, threads: int
) -> Iterator[Receipt]:
    """Make `specs` on `workers` actors and yield receipts as chunks finish, in any order.

    An actor that dies is restarted and its chunks are made again: a chunk made twice is the same chunk.

    Raises:
        FarmError: if a chunk cannot be written, or its worker keeps dying.
    """
    shared = ray.put(teacher)
    actor: Any = ray.remote(Worker).options(
        num_cpus=threads,
        max_restarts=RESTARTS,
        max_task_retries=RESTARTS,
        runtime_env={"env_vars": _environment(threads)},
    )
    actors = [actor.remote() for _ in range(min(workers, len(specs)))]
    schedule, holding = Schedule(specs), Counter()
    # An actor is given work once it is up, so that a busy cluster may start fewer than asked for.
    pending = {worker.ready.remote(): worker for worker in actors}
    receipts_due = len(specs)
    try:
        while receipts_due:
            (done,), _ = ray.wait(list(pending), num_returns=1)
            worker = pending.pop(done)
            receipt = ray.get(done)
            if receipt is not None:
                holding[worker] -= 1
                receipts_due -= 1
            while schedule and holding[worker] < IN_FLIGHT_PER_WORKER:
                pending[worker.run.remote(schedule.take(worker), shared, str(out))] = worker
                holding[worker] += 1
            if receipt is not None:
                yield receipt
    except RayActorError:
        raise FarmError(
            f"a worker died {RESTARTS + 1} times (out of memory?); lower shard_paths or --workers and run the same "
            "command again, finished chunks are kept."
        ) from None
    except RayTaskError as error:
        # Its text is the worker's traceback; what went wrong there speaks for itself, and the traceback stays attached.
        raise error.cause from error
    finally:
        for worker in actors:
            ray.kill(worker)


def _environment(threads: int) -> dict[str, str]:
    """Return what a worker's process must know before it imports jax."""
    return {
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",  # the teacher is unpacked before the actor's first line runs
        # XLA sizes its thread pool by this, and ignores OMP_NUM_THREADS. A pool of a few threads may hang in LAPACK
        # (aurora_jax.core.threads says why): it is one thread, or more than can wait for each other.
        "NPROC": str(threads if threads == 1 else max(threads, THREADS)),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
    }
