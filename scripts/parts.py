"""Parts of a study that an earlier run has left on disk, so that a study that was killed goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aurora_jax.data import write_bytes_whole
from aurora_jax.engine import canonical_json


def kept(path: Path, settings: dict[str, Any], make: Callable[[], dict]) -> dict:
    """Return the part that an earlier run has left under the same settings, or make it and leave it.

    Args:
        path: of the part; its folder is made.
        settings: everything that the part depends on, the code included; compared as JSON says them.
        make: returns plain values.
    """
    asked = json.loads(canonical_json(settings))
    if path.exists():
        found = json.loads(path.read_text())
        if found["settings"] == asked:
            return found["content"]
    content = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_whole(canonical_json({"settings": asked, "content": content}), path)
    return content
