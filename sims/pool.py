"""A pool of Ray actors that make chunks and hand back receipts."""

import contextlib
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

# Under `uv run` Ray would rebuild an environment for every worker; this one is already installed.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# Ray's announced future behaviour: an actor without GPUs leaves the accelerator variables alone.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError, RuntimeEnvSetupError

from aurora_jax.farm import ChunkSpec, FarmError, Receipt, Schedule, machine_memory_bytes
from aurora_jax.teacher import NFSDE

from .environment import Share, environment, share
from .worker import Worker

IN_FLIGHT_PER_WORKER = 2  # one running, one waiting: a worker never idles, and little is lost when it dies
RESTARTS = 3
_OBJECT_STORE_BYTES = 100 * 2**20  # only the teacher and receipts go through it
_REMEDY = "run the same command again, or without this cell (--cells)"


@contextlib.contextmanager
def connected(address: str, *, workers: int | None, threads: int, gpus: float = 0.0) -> Iterator[int]:
    """Use the Ray at hand, else connect to `address` ("local": a private one), and yield how many workers fit.

    What was started here is shut down here, and nothing else is.

    Raises:
        FarmError: if there is no cluster at `address`, or none of its machines has room for one worker.
        ValueError: if `gpus` cannot be handed out.
    """
    one = share(cores=threads, gpus=gpus)
    started = not ray.is_initialized()
    if started:
        _connect(address, cores=(workers or max(len(os.sched_getaffinity(0)) // threads, 1)) * threads)
    try:
        fit = sum(one.fits(node["Resources"]) for node in ray.nodes() if node["Alive"])
        if fit < 1:
            needed, remedy = f"{threads} free cores", "lower threads_per_worker"
            if gpus:
                needed, remedy = f"{needed} and {gpus:g} GPUs", f"{remedy} or --gpus-per-worker"
            raise FarmError(f"no machine of this Ray cluster has {needed} for one worker; {remedy}.")
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


def worker_memory_bytes(workers: int, *, threads: int, gpus: float = 0.0) -> int:
    """Return the bytes that each of `workers` may use on the smallest machine of the connected cluster."""
    one, shares = share(cores=threads, gpus=gpus), []
    for node in ray.nodes():
        has = node["Resources"]
        here = min(one.fits(has), workers)
        if node["Alive"] and here:
            # On this machine Ray leaves out what others use at the moment; a limit must not depend on the hour.
            own = node["NodeManagerAddress"] == ray.util.get_node_ip_address()
            shares.append((machine_memory_bytes() if own else int(has["memory"])) // here)
    return min(shares)


def run_chunks(
    specs: Sequence[ChunkSpec], teacher: NFSDE | None, out: Path, *, workers: int, threads: int, gpus: float = 0.0
) -> Iterator[Receipt]:
    """Make `specs` on `workers` actors and yield receipts as chunks finish, in any order.

    An actor that dies is replaced, and its chunks go to whoever is free: a chunk made twice is the same chunk. Where
    the cluster has lost the cores for a replacement, the others carry on without it.

    Raises:
        FarmError: if a chunk cannot be made or written, its worker keeps dying, or Ray fails; names the remedy.
    """
    crew = _Crew(specs, teacher, out, workers=workers, share=share(cores=threads, gpus=gpus))
    try:
        while crew.receipts_due:
            receipt = crew.wait()
            if receipt is not None:
                yield receipt
    except RuntimeEnvSetupError as error:
        raise FarmError(f"a worker's environment could not be set up: {_last_line(error)}") from error
    except RayError as error:
        raise FarmError(
            f"Ray failed ({_last_line(error)}); run the same command again, finished chunks are kept."
        ) from error
    finally:
        crew.dismiss()


def _last_line(error: Exception) -> str:
    """Return what is said last, which in a traceback is what went wrong."""
    return next(iter(reversed(str(error).strip().splitlines())), type(error).__name__)


def _refuse(spec: ChunkSpec | None, error: RayTaskError) -> NoReturn:
    """Tell in one sentence what went wrong in a worker; Ray's text, the worker's traceback, stays attached.

    Raises:
        FarmError: always.
    """
    cause = error.cause
    if isinstance(cause, FarmError):  # speaks for itself
        raise cause from error
    place = "a worker" if spec is None else f"cell {spec.cell.name!r}, chunk {spec.shard}"
    reason = " ".join([type(cause).__name__, *str(cause).strip().splitlines()[:1]])
    said = str(cause).lower()
    starved = isinstance(cause, MemoryError) or "resource_exhausted" in said or "out of memory" in said
    remedy = "lower shard_paths or --workers and run the same command again" if starved else _REMEDY
    raise FarmError(f"{place}: {reason}; {remedy}, finished chunks are kept.") from error


class _Crew:
    """The actors of a run, what each is doing, and who has died of what.

    An actor is given work once it is up, so that a busy cluster may start fewer than asked for.
    """

    def __init__(self, specs: Sequence[ChunkSpec], teacher: NFSDE | None, out: Path, *, workers: int, share: Share):
        self.receipts_due = len(specs)
        self._out, self._shared, self._cores = str(out), ray.put(teacher), share.cores
        self._actor: Any = ray.remote(Worker).options(
            num_cpus=share.cores, num_gpus=share.gpus, runtime_env={"env_vars": environment(share)}
        )
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
        except RayActorError as error:
            self._replace(worker, spec, error)
            return None
        except RayTaskError as error:
            _refuse(spec, error)
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
        worker = self._actor.remote(self._cores)
        self._actors.add(worker)
        self._pending[worker.ready.remote()] = (worker, None)

    def _feed(self, worker: Any) -> None:
        while self._schedule and self._holding[worker] < IN_FLIGHT_PER_WORKER:
            spec = self._schedule.take(worker)
            self._pending[worker.run.remote(spec, self._shared, self._out)] = (worker, spec)
            self._holding[worker] += 1

    def _replace(self, worker: Any, spec: ChunkSpec | None, error: RayActorError) -> None:
        self._deaths_in_a_row += 1
        if spec is not None:
            self._died_with[spec.file] += 1
        if self._deaths_in_a_row > RESTARTS * self._size or (spec and self._died_with[spec.file] > RESTARTS):
            raise FarmError(
                f"workers died {self._deaths_in_a_row} times (out of memory? {_last_line(error)}); lower shard_paths "
                "or --workers and run the same command again, finished chunks are kept."
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
