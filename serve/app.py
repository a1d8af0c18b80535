"""`serve run serve.app:aurora`: serve an artifact over HTTP.

AURORA_ARTIFACT names the artifact, else the newest in runs/ is taken. Importing this module verifies it and its
journal, so that what is wrong is told in one line before Ray starts.
"""

import os
import sys
from pathlib import Path

from aurora_jax.engine import ArtifactError
from aurora_jax.serving import JournalError, Location, locate, verify_journal
from serve.deployment import deploy


def _location() -> Location:
    try:
        location = locate(os.environ, folder=Path.cwd())
        verify_journal(location.journal)
    except (ArtifactError, JournalError) as error:
        sys.exit(f"aurora: {error}")
    return location


aurora = deploy(_location())
