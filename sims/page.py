"""The data set's page, drawn after a run."""

import time
from pathlib import Path

from rich.console import Console

from aurora_jax.farm import FarmError, write_atomically
from aurora_jax.scenarios import DATASET_MANIFEST, ScenarioError, sha256

PAGE = "_index.html"  # with an underscore, pandas and pyarrow do not take it for data
_QUIET_S = 5.0


def write_page(out: Path, console: Console) -> Path:
    """Write the page of the data set in `out`, unless the one there is of the very same data; return its path.

    Raises:
        FarmError: if the data cannot be read or the page not written.
    """
    path = out / PAGE
    try:
        stamp = sha256((out / DATASET_MANIFEST).read_bytes())
        if path.is_file() and stamp in path.read_text(encoding="utf-8", errors="replace"):
            return path
        page = _drawn(out, stamp, console)
    except ScenarioError as error:
        raise FarmError(str(error)) from None
    except OSError as error:
        reason = f"{error.filename or out}: {error.strerror or error}"
        raise FarmError(
            f"the page could not be drawn ({reason}); the data are complete, and --no-page leaves the page out."
        ) from None
    write_atomically(path, page.encode())
    return path


def _drawn(out: Path, stamp: str, console: Console) -> str:
    from aurora_jax.report import dataset_page  # only here: drawing is a second of imports

    said = time.monotonic()

    def progress(done: int, total: int, cell: str) -> None:
        nonlocal said
        if time.monotonic() >= said + _QUIET_S:
            said = time.monotonic()
            console.print(f"page {done / total:4.0%}  {done}/{total} chunks  {cell}", highlight=False)

    return dataset_page(out, stamp=stamp, progress=progress)
