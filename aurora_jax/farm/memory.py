"""Whether a plan's chunks fit into the memory that a worker may use, before anything runs."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..teacher import NFSDE
from .estimate import size_of
from .plan import ChunkSpec
from .store import FarmError

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine_memory_bytes(limits: Sequence[Path] = _CGROUP_LIMITS) -> int:
    """Return the bytes this process and its children may use: the machine's, or its container's limit if lower.

    Args:
        limits: files in which a container says its limit (cgroup v2, then v1); absent ones limit nothing.
    """
    bounds = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in limits:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # "max" is no limit
            bounds.append(int(text))
    return min(bounds)


def refuse_oversized(specs: Sequence[ChunkSpec], teacher: NFSDE | None, *, available_bytes: int) -> None:
    """Refuse a plan of which a chunk does not fit into a worker's memory; nothing has been made yet.

    Raises:
        FarmError: says the bytes needed, the bytes available, and how many paths a chunk may have.
    """
    if not specs:
        return
    size, spec = max(((size_of(spec, teacher).memory_bytes, spec) for spec in specs), key=lambda pair: pair[0])
    if size <= available_bytes:
        return
    without_paths = size_of(spec._replace(paths=0), teacher).memory_bytes
    a_path = (size - without_paths) / spec.paths
    fit = int((available_bytes - without_paths) / a_path)
    remedy = (
        f"set shard_paths to {fit:,} or fewer, or use fewer --workers"
        if fit >= 1
        else "use fewer --workers, or fewer steps"
    )
    raise FarmError(
        f"cell {spec.cell.name!r} needs about {size:,} bytes a worker ({size / 2**30:.2f} GiB: {spec.paths:,} paths of "
        f"{spec.cell.steps:,} steps in a chunk) and {available_bytes:,} are available "
        f"({available_bytes / 2**30:.2f} GiB); {remedy}."
    )
