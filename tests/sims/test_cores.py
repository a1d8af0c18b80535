"""Cores shared out between the workers of a machine."""

import os
import subprocess
import sys

import pytest

from sims.cores import claim
from tests.sims.conftest import REPOSITORY

# A worker's first steps: what it may use, before and after jax has come and gone to work.
PINNED = """
import os, sys
from sims.worker import Worker
assert "jax" not in sys.modules, "jax was imported before the worker knew its cores"
Worker(int(sys.argv[1]))
import jax.numpy as jnp
jnp.ones((200, 200)) @ jnp.ones((200, 200))
threads = [os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task")]
print(len(threads), *sorted(set().union(*threads)), flush=True)
sys.stdin.read()
"""


def test_no_two_claims_share_a_core_and_too_few_are_none(tmp_path):
    allowed = {3, 5, 7, 11, 13}
    first, second = (claim(2, allowed=allowed, folder=tmp_path) for _ in range(2))
    assert (first, second) == ({3, 5}, {7, 11})
    assert claim(2, allowed=allowed, folder=tmp_path) == frozenset()
    assert claim(1, allowed=allowed, folder=tmp_path) == {13}  # a claim that failed holds nothing
    assert claim(1, allowed=allowed, folder=tmp_path) == frozenset()


def test_where_claims_cannot_be_written_nobody_is_restricted(tmp_path):
    (tmp_path / "file").write_text("here")
    assert claim(1, allowed={0}, folder=tmp_path / "file" / "cores") == frozenset()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_every_thread_of_a_worker_stays_on_its_cores_which_its_death_frees(tmp_path):
    def start(cores):
        return subprocess.Popen(
            [sys.executable, "-c", PINNED, str(cores)],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": str(tmp_path), "NPROC": "8", "JAX_PLATFORMS": "cpu"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def report(worker):
        threads, *cores = map(int, worker.stdout.readline().split())
        assert threads >= 8  # XLA's pool is among them
        return set(cores)

    allowed = sorted(os.sched_getaffinity(0))
    with start(1) as one, start(1) as other:
        assert sorted([report(one), report(other)], key=min) == [{allowed[0]}, {allowed[1]}]
        freed = set(allowed)
        one.kill()
        one.wait()
        with start(1) as replacement:
            assert report(replacement) <= freed
            replacement.kill()
        other.kill()
