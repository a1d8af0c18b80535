"""Every notebook runs from top to bottom, as its reader would run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_NOTEBOOKS = sorted((_REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook):
    command = [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=600", "-o", "addopts=", str(notebook)]
    # The kernel finds the library as a reader's would, from the installed package alone.
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=_REPOSITORY, env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]
    assert "1 passed" in run.stdout


def test_there_is_the_notebook_that_the_readme_names():
    assert "what_if" in [path.stem for path in _NOTEBOOKS]
