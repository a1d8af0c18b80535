"""Files that hold all of what was written, or what they held before."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, writer: str = "") -> Iterator[Path]:
    """Yield a path beside `path` to write to; once that is done it takes the place of `path`, on disk too.

    A process killed in between leaves `path` as it was, and a hidden file that the next call writes over.

    Args:
        path: of the file.
        writer: a name of its own for each of several writers that may be at the file at once; such hidden files are the
            caller's to sweep.
    """
    mark = f".{writer}" if writer else ""
    unfinished = path.with_name(f".{path.name}{mark}.tmp")  # same folder: os.replace must not cross disks
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong first is what is told
            unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)  # without this the move itself may be lost in a power cut


def write_bytes_whole(data: bytes, path: Path, *, writer: str = "") -> Path:
    """Write `data` to `path`, all of it or nothing, and return the path; `writer` as for `replacing`."""
    with replacing(path, writer=writer) as unfinished:
        unfinished.write_bytes(data)
    return path


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
