"""The memory of a process that makes a cell of ten million path-steps, as an actor does, against the estimate."""

import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from aurora_jax.farm import plan, size_of
from aurora_jax.teacher import reference_teacher
from tests.farm.conftest import catalogue
from tests.sims.conftest import REPOSITORY

MIB = 2**20
PATHS, SHARD_PATHS, LARGE_PATHS = 20_000, 250, 4000

# The peak is read from the process's own memory: getrusage's would begin with that of the process that started it.
CHILD = """
import sys
from pathlib import Path
import aurora_jax
aurora_jax.enable_x64()
from aurora_jax.farm import plan, run_chunk
from aurora_jax.teacher import reference_teacher
from tests.farm.test_memory_peak import LARGE_PATHS, PATHS, SHARD_PATHS, cell_of
teacher, out = reference_teacher(3), Path(sys.argv[1])

def make(specs):
    rows = 0
    for spec in specs:
        rows += run_chunk(spec, teacher, out).path_steps
        (out / spec.file).unlink()  # 200 MB of disk are not what is tested
    status = Path("/proc/self/status").read_text()
    print(rows, 1024 * int(status.split("VmHWM:")[1].split()[0]), flush=True)

whole = plan(cell_of(PATHS, SHARD_PATHS), teacher=teacher)
make(whole[:2])
make(whole[2:])
make(plan(cell_of(LARGE_PATHS, LARGE_PATHS), teacher=teacher))
"""


LONG = """
from pathlib import Path
import jax
import aurora_jax
aurora_jax.enable_x64()
from aurora_jax.farm import plan, simulate_chunk
from aurora_jax.teacher import reference_teacher
from tests.farm.test_memory_peak import long_cell
teacher = reference_teacher(3)
(spec,) = plan(long_cell(), teacher=teacher)
jax.block_until_ready(simulate_chunk(spec, teacher)[0])
print(1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
"""


class Peaks(NamedTuple):
    """Bytes at the peak of one process, after two chunks, after the whole cell, and after one far larger chunk."""

    early: int
    whole: int
    large: int


def cell_of(paths, shard_paths):
    """Return a catalogue of one cell of 512 steps."""
    cell = {"family": "baseline", "regimes": ["AR", "GARCH"], "block_steps": 256, "paths": paths}
    return catalogue(cells={"baseline": cell}, shard_paths=shard_paths)


def long_cell():
    """Return a catalogue of two paths of 2,048 steps, whose dense noise takes as much as all else."""
    cell = {"family": "baseline", "regimes": ["AR", "GARCH"], "block_steps": 1024, "paths": 2}
    return catalogue(cells={"baseline": cell})


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Run one process with the threads of an actor of one core."""
    command = [sys.executable, "-c", CHILD, str(tmp_path_factory.mktemp("peak"))]
    environment = {**os.environ, "NPROC": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows, found = zip(*(map(int, line.split()) for line in done.stdout.splitlines()), strict=True)
    assert rows[0] + rows[1] == 10_240_000
    return Peaks(*found)


@pytest.mark.slow  # ten million path-steps: a minute and a half of one core
def test_ten_million_path_steps_take_less_than_two_gibibytes(peaks):
    """And the 80 chunks need hardly more than the first two: nothing is kept of a chunk that is done."""
    assert peaks.whole < 2**31
    assert peaks.whole < peaks.early + 100 * MIB


@pytest.mark.slow
def test_the_estimate_is_within_a_third_of_the_peak(peaks):
    """For a small chunk, which is all process, for a large one, and for what the larger one has more of."""
    teacher = reference_teacher(3)
    small, large = (
        size_of(plan(cell_of(paths, paths), teacher=teacher)[0], teacher).memory_bytes
        for paths in (SHARD_PATHS, LARGE_PATHS)
    )
    assert peaks.whole / small == pytest.approx(1.0, abs=0.33)
    assert peaks.large / large == pytest.approx(1.0, abs=0.33)
    assert (peaks.large - peaks.whole) / (large - small) == pytest.approx(1.0, abs=0.33)


@pytest.mark.slow
def test_long_paths_take_the_dense_matrices_foretold():
    teacher = reference_teacher(3)
    (spec,) = plan(long_cell(), teacher=teacher)
    environment = {**os.environ, "NPROC": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", LONG], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) / size_of(spec, teacher).memory_bytes == pytest.approx(1.0, abs=0.2)
