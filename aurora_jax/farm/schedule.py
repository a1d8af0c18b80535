"""Which chunk a worker takes next: one of the cell it has compiled, if there is one."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from .plan import ChunkSpec, cells_of

WorkerKey = TypeVar("WorkerKey")


class Schedule(Generic[WorkerKey]):
    """Chunks still to hand out. Compiling a cell costs seconds, so a worker stays with its cell while it lasts.

    What is handed to whom changes nothing in the data set: only how often a cell is compiled.
    """

    def __init__(self, specs: Iterable[ChunkSpec]):
        self._waiting = {name: deque(chunks) for name, chunks in cells_of(tuple(specs)).items()}
        self._cell_of: dict[WorkerKey, str] = {}

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def take(self, worker: WorkerKey) -> ChunkSpec:
        """Hand `worker` its next chunk.

        Raises:
            IndexError: if nothing is left.
        """
        cell = self._cell_of.get(worker)
        if cell is None or not self._waiting[cell]:
            cell = _least_crowded(self._waiting, Counter(self._cell_of.values()))
            self._cell_of[worker] = cell
        return self._waiting[cell].popleft()

    def give_back(self, spec: ChunkSpec) -> None:
        """Take back a chunk whose worker has died; it is the next of its cell."""
        self._waiting[spec.cell.name].appendleft(spec)


def _least_crowded(waiting: Mapping[str, deque], workers: Mapping[str, int]) -> str:
    """Return the cell with the most chunks for each worker that would share them; the first in case of a tie."""
    cells = [name for name, chunks in waiting.items() if chunks]
    if not cells:
        raise IndexError("no chunk is left to take.")
    return max(cells, key=lambda name: len(waiting[name]) / (1 + workers.get(name, 0)))
