"""Arithmetic of a progress bar: what is done, how fast, how long to go."""

from collections.abc import Sequence
from typing import NamedTuple

from .chunk import Receipt
from .plan import ChunkSpec, cells_of


class Progress(NamedTuple):
    """How far a run is; `rate` and `remaining_s` count only what this run itself made.

    Attributes:
        chunks_left: chunks still to make in each cell.
        cells: cells in the plan.
        paths: paths in the plan.
        paths_done: paths made or found whole.
        path_steps: solver steps in the plan.
        path_steps_done: solver steps made or found whole.
        path_steps_made: solver steps made by this run.
        elapsed_s: seconds since this run began.
    """

    chunks_left: dict[str, int]
    cells: int
    paths: int
    paths_done: int
    path_steps: int
    path_steps_done: int
    path_steps_made: int
    elapsed_s: float

    @property
    def cells_done(self) -> int:
        """Return how many cells have no chunk left."""
        return sum(left == 0 for left in self.chunks_left.values())

    @property
    def rate(self) -> float | None:
        """Return path-steps per second; None before the first chunk."""
        return self.path_steps_made / self.elapsed_s if self.path_steps_made and self.elapsed_s > 0.0 else None

    @property
    def remaining_s(self) -> float | None:
        """Return the seconds to go at this rate; None while there is none."""
        left = self.path_steps - self.path_steps_done
        if left == 0:
            return 0.0
        return None if self.rate is None else left / self.rate


def start_progress(specs: Sequence[ChunkSpec], pending: Sequence[ChunkSpec]) -> Progress:
    """Start a run of the plan `specs` of which `pending` are still to make."""
    left = {name: 0 for name in cells_of(specs)}
    for spec in pending:
        left[spec.cell.name] += 1
    paths, path_steps = sum(s.paths for s in specs), sum(s.path_steps for s in specs)
    return Progress(
        chunks_left=left,
        cells=len(left),
        paths=paths,
        paths_done=paths - sum(s.paths for s in pending),
        path_steps=path_steps,
        path_steps_done=path_steps - sum(s.path_steps for s in pending),
        path_steps_made=0,
        elapsed_s=0.0,
    )


def advance_progress(progress: Progress, receipt: Receipt, *, elapsed_s: float) -> Progress:
    """Count a finished chunk."""
    left = {**progress.chunks_left, receipt.cell: progress.chunks_left[receipt.cell] - 1}
    return progress._replace(
        chunks_left=left,
        paths_done=progress.paths_done + receipt.paths,
        path_steps_done=progress.path_steps_done + receipt.path_steps,
        path_steps_made=progress.path_steps_made + receipt.path_steps,
        elapsed_s=elapsed_s,
    )
