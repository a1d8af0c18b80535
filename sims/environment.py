"""What a worker's process must know before it imports jax, and how many of a machine's resources it takes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aurora_jax.core.threads import THREADS

REPOSITORY = Path(__file__).resolve().parent.parent
_GPU_SHARE = 0.9  # of a GPU's memory for XLA's pools; the rest is for contexts and libraries


class Share(NamedTuple):
    """What one worker takes of a machine: cores, and GPUs (a fraction where workers share one; 0 for none)."""

    cores: int
    gpus: float = 0.0

    @property
    def backend(self) -> str:
        """Return the backend that its chunks are made on, a part of their recipe."""
        return "gpu" if self.gpus else "cpu"

    def fits(self, resources: Mapping[str, float]) -> int:
        """Return how many workers a node with these Ray resources has room for."""
        room = int(resources.get("CPU", 0.0)) // self.cores
        # A third of a GPU, thrice, must fill it: a sum of fractions may miss 1 by rounding.
        return min(room, int(resources.get("GPU", 0.0) / self.gpus + 1e-9)) if self.gpus else room


def share(*, cores: int, gpus: float) -> Share:
    """Return a worker's share.

    Raises:
        ValueError: if GPUs are negative, or more than one but not whole, which Ray cannot hand out.
    """
    if gpus < 0.0 or (gpus > 1.0 and gpus != int(gpus)):
        raise ValueError(f"gpus_per_worker must be 0, a fraction of one GPU, or a whole number, was {gpus}.")
    return Share(cores, gpus)


def environment(of: Share) -> dict[str, str]:
    """Return the environment variables of a worker's process; its cores are set by the worker (`cores.pin`)."""
    return {
        "JAX_ENABLE_X64": "1",  # the teacher is unpacked before the actor's first line runs
        # XLA sizes its thread pool by this, and ignores OMP_NUM_THREADS. A pool of a few threads may hang in LAPACK
        # (aurora_jax.core.threads says why): it is one thread, or more than can wait for each other, on its few cores.
        "NPROC": str(of.cores if of.cores == 1 else max(of.cores, THREADS)),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
        **(_on_gpu(of.gpus) if of.gpus else {"JAX_PLATFORMS": "cpu"}),
    }


def _on_gpu(gpus: float) -> dict[str, str]:
    """Which GPU it is, Ray says by CUDA_VISIBLE_DEVICES; workers on the same one share its memory."""
    actors_per_gpu = max(int(1.0 / gpus + 1e-9), 1)
    fraction = f"{_GPU_SHARE / actors_per_gpu:.3f}"
    # The CPU comes second, for run-time checks: jax calls back to the host through it.
    return {"JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": fraction}
