"""The farm killed, starved and harmed for real: the data set ends the same to the byte, or the error is clear."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.farm.conftest import files_of
from tests.sims.conftest import REPOSITORY

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CHUNKS = 16
CATALOGUE = {
    "seed": 5,
    "shard_paths": 32,
    "reference_assets": 2,
    "cells": {
        "crowd": {  # the teacher's, with most chunks: workers start with it, and it is what they die of
            "family": "jump_cluster",
            "regimes": ["AR", "GARCH"],
            "block_steps": 128,
            "paths": 32 * CHUNKS // 2,
            "severity": {"branching_ratio": 0.8},
        },
        **{
            name: {
                "family": "ground_truth_fgn",
                "regimes": ["AR"],
                "block_steps": 2048,
                "paths": 32 * CHUNKS // 4,
                "parameters": {"hurst": hurst},
            }
            for name, hurst in (("rough", 0.3), ("smooth", 0.7))
        },
    },
}


class Farm:
    """Starts the command with a Ray of its own, and leaves nothing running."""

    def __init__(self, folder: Path):
        self.temporary = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # short: a socket's path has at most 107 letters
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "AURORA_"))}
        # A TMPDIR of its own, too: there workers claim their cores, which others on this machine must not have.
        self.environment = {
            **kept,
            "RAY_TMPDIR": self.temporary,
            "TMPDIR": self.temporary,
            "RAY_worker_niceness": "0",
        }
        self.started: list[subprocess.Popen] = []
        self.config = folder / "catalogue.yaml"
        self.config.write_text(yaml.safe_dump(CATALOGUE))

    def start(self, out: Path, workers: int) -> subprocess.Popen:
        command = [sys.executable, "sims/seb_plus.py", "--config", str(self.config), "--out", str(out)]
        process = subprocess.Popen(
            [*command, "--workers", str(workers), "--no-page"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, out: Path, workers: int) -> tuple[int, str]:
        with self.start(out, workers) as process:
            printed, _ = process.communicate(timeout=400)
        return process.returncode, printed


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    farm = Farm(tmp_path_factory.mktemp("survival"))
    yield farm
    for process in farm.started:
        if process.poll() is None:  # a test that failed in the middle leaves nothing running
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    shutil.rmtree(farm.temporary, ignore_errors=True)


@pytest.fixture(scope="module")
def undisturbed(farm, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "seb"
    code, printed = farm.run(out, workers=1)
    assert code == 0, printed
    assert f"{CHUNKS} chunks made, 0 kept" in printed
    return data_of(out)


def data_of(out):
    return {name: data for name, data in files_of(out).items() if name != "_timings.jsonl"}


def made(out: Path) -> list[Path]:
    return sorted(out.glob("cell=*/_part-*.json"))


def wait_for_chunks(out: Path, count: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while len(made(out)) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_a_worker_killed_in_the_middle_changes_nothing(farm, undisturbed, tmp_path):
    out = tmp_path / "seb"
    process = farm.start(out, workers=2)
    wait_for_chunks(out, 2, process)
    workers = [child for child in descendants(process) if "".join(child.cmdline()).startswith("ray::Worker.run")]
    assert workers
    cores = [set(worker.cpu_affinity()) for worker in workers]
    if len(os.sched_getaffinity(0)) > 1:
        assert all(len(own) == 1 for own in cores)
        assert len(set.union(*cores)) == len(cores)
    workers[0].send_signal(signal.SIGKILL)
    assert len(made(out)) < CHUNKS
    printed, _ = process.communicate(timeout=400)
    assert process.returncode == 0, printed
    assert data_of(out) == undisturbed


def test_a_driver_killed_in_the_middle_resumes_with_other_workers(farm, undisturbed, tmp_path):
    out = tmp_path / "seb"
    process = farm.start(out, workers=2)
    wait_for_chunks(out, 2, process)
    family = descendants(process)
    process.kill()
    process.communicate()
    assert len(made(out)) < CHUNKS
    psutil.wait_procs(family, timeout=5)
    for orphan in family:  # ours, by their ids: Ray's daemons outlive a killed driver for a while
        if orphan.is_running():
            orphan.kill()
    psutil.wait_procs(family, timeout=20)
    kept = len(made(out))
    code, printed = farm.run(out, workers=1)
    assert code == 0, printed
    assert f"{kept} kept" in printed
    assert data_of(out) == undisturbed

    # Twice is once; then harm of both kinds is named and undone.
    code, printed = farm.run(out, workers=2)
    assert (code, f"0 chunks made, {CHUNKS} kept" in printed) == (0, True)
    assert data_of(out) == undisturbed
    parquet, manifest = sorted(out.glob("cell=rough/*.parquet"))[3], sorted(out.glob("cell=smooth/_part*.json"))[1]
    parquet.write_bytes(parquet.read_bytes()[:1000])
    manifest.write_text(manifest.read_text().replace('"rows"', '"rowz"'))
    code, printed = farm.run(out, workers=2)
    assert code == 0, printed
    assert f"made again: {parquet}: SHA-256 differs" in printed
    assert f"made again: {manifest}: content does not match" in printed
    assert data_of(out) == undisturbed


def test_a_full_disk_stops_the_run_in_one_line_and_loses_nothing(farm, undisturbed, tmp_path):
    out = tmp_path / "seb"
    out.mkdir()
    room = sum(map(len, undisturbed.values())) // 2
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(out)]
    refused = subprocess.run(mount, capture_output=True, text=True)
    if refused.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {refused.stderr.strip()}")
    try:
        code, printed = farm.run(out, workers=2)
        assert code == 1
        assert "disk full; free space and run the same command again, finished chunks are kept" in " ".join(
            printed.split()
        )
        assert "Traceback" not in printed
        before = {path: path.stat().st_mtime_ns for path in made(out)}
        assert 0 < len(before) < CHUNKS
        subprocess.run(["mount", "-o", f"remount,size={8 * room}", str(out)], check=True)
        code, printed = farm.run(out, workers=2)
        assert code == 0, printed
        assert {path: path.stat().st_mtime_ns for path in before} == before
        assert data_of(out) == undisturbed
    finally:
        subprocess.run(["umount", str(out)], check=True)
