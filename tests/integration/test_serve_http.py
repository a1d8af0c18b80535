"""The service as its user starts it: the literal command, real Ray, real HTTP, and a clean end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.artifact import released_artifact
from tests.serving.conversation import payload

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [str(Path(sys.executable).with_name("serve")), "run", "serve.app:aurora"]

pytestmark = [pytest.mark.ray, pytest.mark.slow]  # a cluster of its own


def free_port():
    """Return a free port that no other Ray will take meanwhile: below the system's own, above Ray's workers'."""
    for port in range(21000 + os.getpid() % 5000, 31000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no free port between 21000 and 31000.")


# Not the usual one: the README's own service may be running on this machine.
PORT = free_port()


def call(path, content=None):
    """Return status and text of a request."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", data=data, headers={"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def listening():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def until(holds, *, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.5)
    return False


def ready():
    try:
        return call("/readyz")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Start the service on a small artifact and stop it as Ctrl-C would."""
    released = released_artifact(tmp_path_factory)
    scratch = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # Ray's sockets need a short path
    environment = os.environ | {
        "RAY_ADDRESS": "local",
        "RAY_TMPDIR": scratch,
        "RAY_AUTH_MODE": "disabled",  # else Ray keeps a token in the home folder, which a test leaves alone
        "AURORA_PORT": str(PORT),
        "AURORA_ARTIFACT": str(released / "artifact"),
        "AURORA_TRUSTED_KEY": str(released / "keys" / "trusted_key.pem"),
        "AURORA_STATE_DIR": str(released / "state"),
        "JAX_PLATFORMS": "cpu",
    }
    log = released / "serve.log"
    process = start(environment, log)
    try:
        if not until(lambda: ready() or process.poll() is not None, seconds=200) or process.poll() is not None:
            # Ray gives its node 30 s to come up, and its dashboard a port that another cluster may just be taking.
            stop(process)
            process = start(environment, log)
            assert until(lambda: ready() or process.poll() is not None, seconds=200), log.read_text()[-3000:]
        assert process.poll() is None, log.read_text()[-3000:]
        yield process
    finally:
        stop(process)
        shutil.rmtree(scratch, ignore_errors=True)
    assert until(lambda: not listening(), seconds=30), "the port is still held"


# What a shell starts in the background ignores Ctrl-C, and so would all its children.
HEARING_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def start(environment, log):
    with log.open("w") as output:
        return subprocess.Popen(
            [sys.executable, "-c", HEARING_CTRL_C, *COMMAND],
            cwd=REPOSITORY,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def test_answers_real_numbers_once(service):
    assert call("/healthz")[0] == 200
    status, text = call("/predict", payload(0))
    answer = json.loads(text)
    assert status == 200, text
    assert answer["decision"] in ("PASS", "DERISK", "BLOCK")
    interval = answer["interval"]["sp500"]
    assert interval["lower"] < answer["forecast"]["sp500"]["mean"] < interval["upper"]
    assert call("/predict", payload(0)) == (200, text), "the same bar again is the same answer"
    assert call("/predict", payload(5))[0] == 409, "a gap is refused"
    assert call("/predict", payload(1, bar={"close": -5.0}))[0] == 422
    assert json.loads(call("/state")[1])["streams"]["INDEX"]["next_seq"] == 1
    metrics = call("/metrics")[1]
    counts = [line for line in metrics.splitlines() if line.startswith("aurora_acceptance_decision_total{")]
    assert sum(float(line.split()[-1]) for line in counts) == 1.0


def test_without_an_artifact_it_names_the_command(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AURORA_")}
    environment |= {"PYTHONPATH": str(REPOSITORY), "RAY_ADDRESS": "local"}
    done = subprocess.run(COMMAND, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "python scripts/quickstart.py" in done.stdout + done.stderr


def test_a_port_that_is_none_is_told_in_one_line(tmp_path_factory):
    released = released_artifact(tmp_path_factory)
    environment = os.environ | {
        "AURORA_ARTIFACT": str(released / "artifact"),
        "AURORA_TRUSTED_KEY": str(released / "keys" / "trusted_key.pem"),
        "AURORA_STATE_DIR": str(released / "no state"),
        "AURORA_PORT": "http",
    }
    done = subprocess.run(COMMAND, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == "aurora: AURORA_PORT must be a port from 1 to 65535, was 'http'."
