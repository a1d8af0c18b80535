"""Files that hold all of what was written, or what they held before."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; once that is done it takes the place of `path`, on disk too.

    A process killed in between leaves `path` as it was, and a hidden file that the next call writes over.
    """
    unfinished = path.with_name(f".{path.name}.tmp")  # same folder: os.replace must not cross disks
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)  # without this the move itself may be lost in a power cut


def write_bytes_whole(data: bytes, path: Path) -> Path:
    """Write `data` to `path`, all of it or nothing, and return the path."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)
    return path


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
