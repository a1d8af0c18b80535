"""The actor that makes chunks; this module must not import jax, which comes after the actor knows its cores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .cores import pin

if TYPE_CHECKING:
    from aurora_jax.farm import ChunkSpec, Receipt
    from aurora_jax.teacher import NFSDE


class Worker:
    """An actor: its compiled simulation lives as long as it does."""

    def __init__(self, cores: int):
        pin(cores)
        from aurora_jax import enable_x64

        enable_x64()

    def ready(self) -> None:
        """Answer, once the process has imported everything."""

    def run(self, spec: ChunkSpec, teacher: NFSDE | None, out: str) -> Receipt:
        """Make one chunk. The teacher comes with each call, as a reference: a restarted actor starts from nothing."""
        from aurora_jax.farm import run_chunk

        return run_chunk(spec, teacher, Path(out))
