"""Cores of a machine, shared out between the workers on it; this module must not import jax."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def pin(count: int) -> frozenset[int]:
    """Restrict this process to `count` cores that no other worker of this machine has; return them.

    XLA and its threads stay within them, since threads that start later inherit them: so call it before jax is
    imported. Where fewer are free than asked for (a crowded machine), nothing is restricted and the set is empty.
    """
    claimed = claim(count, allowed=os.sched_getaffinity(0), folder=_folder())
    if claimed:
        os.sched_setaffinity(0, claimed)
    return claimed


def claim(count: int, *, allowed: Iterable[int], folder: Path) -> frozenset[int]:
    """Claim `count` of the `allowed` cores for as long as this process lives; none if there are not enough.

    A claim is a lock on the core's file in `folder`, which dies with the process: whoever replaces a killed worker
    finds its cores free. An index given by the driver could not know which workers share a machine.
    """
    held: dict[int, int] = {}
    with contextlib.suppress(OSError):  # a folder that cannot be written: nobody is restricted
        folder.mkdir(parents=True, exist_ok=True)
        for core in sorted(allowed):
            if len(held) < count and (descriptor := _lock(folder / str(core))) is not None:
                held[core] = descriptor
    if len(held) == count:
        return frozenset(held)
    for descriptor in held.values():
        os.close(descriptor)
    return frozenset()


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"aurora-cores-{os.getuid()}"


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return descriptor
