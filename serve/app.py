"""`serve run serve.app:aurora`: serve an artifact over HTTP.

AURORA_ARTIFACT names the artifact, else the newest in runs/ is taken; AURORA_PORT names the port, else it is 8000.
Importing this module verifies the artifact and its journal, so that what is wrong is told before Ray starts.
"""

import os
import sys
from pathlib import Path

from aurora_jax.engine import ArtifactError
from aurora_jax.serving import JournalError, Location, locate, verify_journal
from serve.deployment import deploy
from serve.listening import listen, port_of


def _settings() -> tuple[Location, int | None]:
    try:
        location = locate(os.environ, folder=Path.cwd())
        verify_journal(location.journal)
        return location, port_of(os.environ)
    except (ArtifactError, JournalError, ValueError) as error:
        sys.exit(f"aurora: {error}")


_location, _port = _settings()
if _port is not None:
    listen(_port)
aurora = deploy(_location)
