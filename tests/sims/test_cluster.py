"""The three ways to start the farm, and its use from a running driver, on a real Ray."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import ray
from typer.testing import CliRunner

from aurora_jax.scenarios import load
from sims.seb_plus import app
from tests.farm.conftest import files_of
from tests.sims.conftest import REPOSITORY

pytestmark = [pytest.mark.ray, pytest.mark.slow]  # a cluster of its own

# A driver that starts a cluster with a dashboard, and calls `generate` with the Ray at hand when told where to.
DRIVER = """
import socket
import sys
import ray

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

for attempts_left in (2, 1, 0):
    try:
        # A port of its own: two clusters that start at once may both believe that they have Ray's usual one.
        settings = dict(include_dashboard=True, dashboard_port=free_port(), object_store_memory=100 * 2**20)
        context = ray.init(address="local", num_cpus=2, **settings)
        break
    except Exception:  # Ray gives its node 30 s to come up, whatever else the machine is doing
        if not attempts_left:
            raise
print("http://" + context.dashboard_url, flush=True)
for line in sys.stdin:
    from aurora_jax.config import load_config
    from aurora_jax.config.seb_plus import SebPlusConfig
    from aurora_jax.farm import FarmError
    from sims.seb_plus import generate
    config, out = line.split()
    shown = []
    try:
        summary = generate(load_config(SebPlusConfig, config).narrowed(cells=["exam"]), out, progress=shown.append)
    except FarmError as error:
        print("refused:", error, flush=True)
        continue
    assert ray.is_initialized(), "generate shut down a Ray that it did not start"
    print(summary.made, summary.kept, len(shown), shown[-1].paths_done, flush=True)
ray.shutdown()
"""


@pytest.fixture(scope="module")
def environment():
    """Return an environment without a trace of other clusters, with a private folder for this one."""
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # short: a socket's path has at most 107 letters
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "AURORA_"))}
    binaries = str(Path(sys.executable).parent)
    yield {
        **kept,
        "RAY_TMPDIR": folder,
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_worker_niceness": "0",  # Ray's 15 would starve the workers on a machine that does other things
        "RAY_AUTH_MODE": "disabled",  # else Ray keeps a token in the home folder, which a test leaves alone
        "PATH": os.pathsep.join([binaries, kept["PATH"]]),
    }
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(environment, tiny, tmp_path_factory):
    """Start a cluster in the repository; its jobs make the exam of the tiny catalogue in `literal`."""
    literal = tmp_path_factory.mktemp("data") / "literal"
    settings = {"CONFIG": str(tiny), "OUT": str(literal), "CELLS": "exam", "WORKERS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        cwd=REPOSITORY,
        env={**environment, **{f"AURORA_SEB_PLUS_{name}": value for name, value in settings.items()}},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        try:
            address = next((line.strip() for line in driver.stdout if line.startswith("http")), None)
            assert address, "Ray did not come up; its reason is in the captured stderr"
            yield driver, address, literal
        finally:
            driver.stdin.close()  # the end of its input ends the driver, and it its cluster
            try:
                driver.wait(60)
            except subprocess.TimeoutExpired:
                driver.kill()


def call(*command, environment):
    words, deadline = [str(word) for word in command], time.monotonic() + 60.0
    while True:
        done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)
        # A cluster takes jobs a few seconds after it is up, and has nothing that tells when.
        if "No available agent" not in done.stdout + done.stderr or time.monotonic() > deadline:
            break
        time.sleep(1.0)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def data_of(out):
    """Return what must be the same from run to run: everything but the log of times."""
    return {name: data for name, data in files_of(out).items() if name != "_timings.jsonl"}


def test_every_way_to_start_makes_the_same_data(cluster, environment, tiny, tmp_path):
    driver, address, literal = cluster
    submit = {**environment, "RAY_API_SERVER_ADDRESS": address}

    call("ray", "job", "submit", "sims/seb_plus.py", environment=submit)  # one worker, by the cluster's environment
    suffixes = sorted(Path(name).suffix for name in data_of(literal))
    assert suffixes == [".html"] + [".json"] * 3 + [".parquet"] * 2

    uploaded = tmp_path / "uploaded"
    command = ["python", "sims/seb_plus.py", "--config", tiny, "--out", uploaded, "--cells", "exam", "--workers", "2"]
    call("ray", "job", "submit", "--working-dir", ".", "--", *command, environment=submit)
    assert data_of(uploaded) == data_of(literal)

    # A driver whose Ray already runs, as the quickstart's, repairs a harmed data set.
    harmed = shutil.copytree(literal, tmp_path / "harmed")
    next((harmed / "cell=exam").glob("part-*.parquet")).write_bytes(b"")
    driver.stdin.write(f"{tiny} {harmed}\n")
    driver.stdin.flush()
    made, kept, shown, paths_done = next(line for line in driver.stdout if line[0].isdigit()).split()
    assert (made, kept, shown, paths_done) == ("1", "1", "2", "4")
    assert data_of(harmed) == data_of(literal)  # the page of the command still fits

    # What fails in a worker is told in its own words, not in Ray's traceback.
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "cell=exam").write_text("a file in the cell's place")
    driver.stdin.write(f"{tiny} {blocked}\n")
    driver.stdin.flush()
    refusal = next(line for line in driver.stdout if "refused: " in line)  # Ray may print into the same line
    remedy = "choose another --out or change its permissions."
    assert refusal.endswith(f"refused: {blocked}/cell=exam: cannot write here (File exists); {remedy}\n")


def test_plain_python_starts_its_own_ray_and_none_when_nothing_is_left(environment, tiny, tmp_path, monkeypatch):
    out = tmp_path / "out"
    command = ["--config", str(tiny), "--out", str(out)]
    printed = call(sys.executable, "sims/seb_plus.py", *command, "--workers", "2", environment=environment)
    assert "3 chunks made, 0 kept" in printed
    assert "exam" in printed
    assert load(out, cell="calm").log_price.shape == (2, 9, 3)  # the reference teacher's three assets
    assert load(out, cell="exam").log_price.shape == (4, 65, 2)

    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # a cluster that is not there must not be asked for
    again = CliRunner().invoke(app, [*command, "--cells", "exam"])
    assert again.exit_code == 0
    assert "0 chunks made, 2 kept" in again.output
    assert not ray.is_initialized()
