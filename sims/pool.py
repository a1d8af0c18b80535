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
from ray.exceptions import RayActorError, RayTaskError, RuntimeEnvSetupError

from aurora_jax import enable_x64
from aurora_jax.core.threads import THREADS
from aurora_jax.farm import ChunkSpec, FarmError, Receipt, Schedule, machine_memory_bytes, run_chunk
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


def worker_memory_bytes(workers: int, *, threads: int) -> int:
    """Return the bytes that each of `workers` may use on the smallest machine of the connected cluster."""
    shares = []
    for node in ray.nodes():
        has = node["Resources"]
        here = min(int(has.get("CPU", 0.0)) // threads, workers)
        if node["Alive"] and here:
            # On this machine Ray leaves out what others use at the moment; a limit must not depend on the hour.
            own = node["NodeManagerAddress"] == ray.util.get_node_ip_address()
            shares.append((machine_memory_bytes() if own else int(has["memory"])) // here)
    return min(shares)


def run_chunks(
    specs: Sequence[ChunkSpec], teacher: NFSDE | None, out: Path, *, workers: int, threads: int
) -> Iterator[Receipt]:
    """Make `specs` on `workers` actors and yield receipts as chunks finish, in any order.

    An actor that dies is replaced, and its chunks go to whoever is free: a chunk made twice is the same chunk. Where
    the cluster has lost the cores for a replacement, the others carry on without it.

    Raises:
        FarmError: if a chunk cannot be written, or its worker keeps dying.
    """
    crew = _Crew(specs, teacher, out, workers=workers, threads=threads)
    try:
        while crew.receipts_due:
            receipt = crew.wait()
            if receipt is not None:
                yield receipt
    except RuntimeEnvSetupError as error:
        raise FarmError(f"a worker's environment could not be set up: {str(error).strip().splitlines()[-1]}") from error
    except RayTaskError as error:
        # Its text is the worker's traceback; what went wrong there speaks for itself, and the traceback stays attached.
        raise error.cause from error
    finally:
        crew.dismiss()


class _Crew:
    """The actors of a run, what each is doing, and who has died of what.

    An actor is given work once it is up, so that a busy cluster may start fewer than asked for.
    """

    def __init__(self, specs: Sequence[ChunkSpec], teacher: NFSDE | None, out: Path, *, workers: int, threads: int):
        self.receipts_due = len(specs)
        self._out, self._shared = str(out), ray.put(teacher)
        self._actor: Any = ray.remote(Worker).options(num_cpus=threads, runtime_env={"env_vars": _environment(threads)})
        self._schedule, self._holding, self._died_with = Schedule(specs), Counter(), Counter()
        self._pending: dict[Any, tuple[Any, ChunkSpec | None]] = {}
        self._actors: set[Any] = set()
        self._up: set[Any] = set()
        self._deaths_in_a_row, self._size = 0, min(workers, len(specs))
        for _ in range(self._size):
            self._hire()

    def wait(self) -> Receipt | None:
        """Wait for one actor to report, give it more to do, and return the receipt if it made a chunk."""
        (done,), _ = ray.wait(list(self._pending), num_returns=1)
        worker, spec = self._pending[done]
        try:
            receipt = ray.get(done)
        except RayActorError:
            self._replace(worker, spec)
            return None
        del self._pending[done]
        if receipt is None:
            self._up.add(worker)
        else:
            self._holding[worker] -= 1
            self.receipts_due -= 1
            self._deaths_in_a_row = 0
        self._feed(worker)
        return receipt

    def dismiss(self) -> None:
        """End all actors."""
        for worker in self._actors:
            ray.kill(worker)

    def _hire(self) -> None:
        worker = self._actor.remote()
        self._actors.add(worker)
        self._pending[worker.ready.remote()] = (worker, None)

    def _feed(self, worker: Any) -> None:
        while self._schedule and self._holding[worker] < IN_FLIGHT_PER_WORKER:
            spec = self._schedule.take(worker)
            self._pending[worker.run.remote(spec, self._shared, self._out)] = (worker, spec)
            self._holding[worker] += 1

    def _replace(self, worker: Any, spec: ChunkSpec | None) -> None:
        self._deaths_in_a_row += 1
        if spec is not None:
            self._died_with[spec.file] += 1
        if self._deaths_in_a_row > RESTARTS * self._size or (spec and self._died_with[spec.file] > RESTARTS):
            raise FarmError(
                f"workers died {self._deaths_in_a_row} times (out of memory?); lower shard_paths or --workers and "
                "run the same command again, finished chunks are kept."
            ) from None
        self._bury(worker)
        self._hire()
        for other in self._up:  # one that had nothing left to do would not ask for more
            self._feed(other)

    def _bury(self, worker: Any) -> None:
        self._actors.discard(worker)
        self._up.discard(worker)
        ray.kill(worker)  # one that only could not be reached may still be running
        for reference, (holder, spec) in list(self._pending.items()):
            if holder is worker:
                del self._pending[reference]
                if spec is not None:
                    self._schedule.give_back(spec)


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
