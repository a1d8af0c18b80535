"""One run per folder: this process, another one, one that was killed."""

import fcntl
import json
import os
import stat
import subprocess
import sys

import pytest

from aurora_jax.farm import FarmError, exclusive
from tests.farm.conftest import files_of
from tests.sims.conftest import REPOSITORY

HOLDER = """
import sys
from pathlib import Path
from aurora_jax.farm import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_run_at_a_time(tmp_path):
    with exclusive(tmp_path / "out"):
        with pytest.raises(FarmError, match="another run is writing here"), exclusive(tmp_path / "out"):
            pass
        with pytest.raises(FarmError, match="another run is writing here"), exclusive(tmp_path / "out"):
            pass  # being refused has not freed it
    with exclusive(tmp_path / "out"):
        pass
    assert files_of(tmp_path) == {}


def test_it_is_a_regular_file_open_for_writing_that_is_locked(tmp_path, monkeypatch):
    """Of a folder, NFS has locks that other nodes do not see; of a file, only those taken for writing."""
    locked = []

    def spy(descriptor, operation):
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        locked.append((stat.S_ISREG(os.fstat(descriptor).st_mode), mode == os.O_RDWR, operation))

    monkeypatch.setattr(fcntl, "flock", spy)
    with exclusive(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert locked == [(True, True, fcntl.LOCK_EX | fcntl.LOCK_NB)]


def test_the_refusal_says_who_holds_it_and_a_kill_frees_it(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        held_by = rf"writing here \(process {holder.pid} on {os.uname().nodename}, since 20.*\); wait for it"
        with pytest.raises(FarmError, match=held_by), exclusive(tmp_path):
            pass
        holder.kill()
        holder.wait()
    assert list(files_of(tmp_path)) == [".lock"]  # what a killed run leaves is in nobody's way
    with exclusive(tmp_path):
        pass
    assert files_of(tmp_path) == {}


def test_a_lock_file_of_another_content_is_no_reason_to_fail(tmp_path):
    (tmp_path / ".lock").write_text("[1]")
    with (tmp_path / ".lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(FarmError, match="writing here; wait for it"), exclusive(tmp_path):
            pass
    with exclusive(tmp_path):
        pass


def test_a_holder_whose_file_was_removed_leaves_its_successors_alone(tmp_path):
    with exclusive(tmp_path):
        (tmp_path / ".lock").unlink()  # by somebody's hand
        (tmp_path / ".lock").write_text("another's")
    assert files_of(tmp_path) == {".lock": b"another's"}


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(FarmError, match="cannot write here"), exclusive(tmp_path / "file" / "out"):
        pass
