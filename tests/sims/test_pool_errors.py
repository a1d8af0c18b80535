"""What Ray says of a worker that cannot start is told in its last words."""

import pytest
from ray.exceptions import RuntimeEnvSetupError

from aurora_jax.farm import FarmError
from sims import pool


class Broken:
    """A crew whose first worker's environment cannot be set up."""

    receipts_due = 1
    dismissed = False

    def __init__(self, *args, **kwargs):
        """Start nothing."""

    def wait(self):
        raise RuntimeEnvSetupError("Traceback ...\nOSError: the package was deleted.\n\n")

    def dismiss(self):
        Broken.dismissed = True


def test_an_environment_that_cannot_be_set_up_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(pool, "_Crew", Broken)
    with pytest.raises(FarmError, match=r"^a worker's environment could not be set up: OSError: the package was del"):
        list(pool.run_chunks([], None, tmp_path, workers=1, threads=1))
    assert Broken.dismissed
