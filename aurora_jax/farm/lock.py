"""One run per folder, on this machine or another that shares the folder."""

import contextlib
import datetime
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from .store import FarmError, explained

LOCK = ".lock"  # with a dot, so that no reader of Parquet folders takes it for data


@contextlib.contextmanager
def exclusive(out: Path) -> Iterator[None]:
    """Hold `out` for one run at a time; the lock dies with the process, so a killed run blocks nobody.

    While it is held, `out` has a file `.lock` that says by whom; afterwards it is gone.

    Raises:
        FarmError: if the folder cannot be made, written or locked, or another run holds it (says which).
    """
    path = out / LOCK
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        descriptor = _held(path)
    except BlockingIOError:
        raise FarmError(
            f"{out}: another run is writing here{_owner(path)}; wait for it or choose another --out."
        ) from None
    except OSError as error:
        raise FarmError(explained(path, error)) from None
    try:
        _sign(descriptor)
        yield
    finally:
        with contextlib.suppress(OSError):
            if _is(descriptor, path):
                path.unlink()  # before the lock goes: who opened this very file meanwhile finds it gone, makes its own
        os.close(descriptor)


def _held(path: Path) -> int:
    """Return a descriptor of the file at `path`, locked.

    A regular file, open for writing: on NFS Linux turns `flock` of such a file into a lock of the server, which every
    node sees; of a folder it cannot (flock(2), NFS details). Not `lockf` besides: the server would see two owners that
    wait for each other, and a lock of the process is lost when any other part of it closes the file.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it between our two calls


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    owner = {"host": os.uname().nodename, "pid": os.getpid(), "started": started}
    with contextlib.suppress(OSError):  # a full disk: who holds the lock is a courtesy
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)


def _owner(path: Path) -> str:
    """Say who holds the lock, as far as it is known."""
    try:
        owner = json.loads(path.read_text())
        return f" (process {owner['pid']} on {owner['host']}, since {owner['started']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
