"""The training command as its user runs it: killed and started again, and told in one line what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import orbax.checkpoint as ocp
import pytest
import yaml
from typer.testing import CliRunner

from aurora_jax.data import load_packaged
from aurora_jax.engine import load_units
from aurora_jax.training import code_digest
from scripts.train_teacher import app

REPOSITORY = Path(__file__).parents[2]
SMALL = {
    "seed": 3,
    "data": "sp500",
    "periods": {"train_end": "2003-01-01", "validation_end": "2005-01-01", "embargo_bars": 0},
    "block_bars": 64,
    "model": {"width": 4, "depth": 1, "embedding_size": 2},
    "signature": {"windows": 8, "window_bars": 16, "channels": 1, "depth": 2},
    "optimiser": {"steps": 8, "learning_rate": 1e-3, "validate_every": 2, "checkpoint_every": 2},
}


def written(folder, **changes):
    content = {**SMALL, **changes}
    path = folder / "teacher.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def fails(config, out):
    done = CliRunner().invoke(app, ["--config", str(config), "--out", str(out)])
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    assert "Traceback" not in done.output
    return lines[0]


def command(config, out):
    return [sys.executable, "scripts/train_teacher.py", "--config", str(config), "--out", str(out)]


def last_state(out):
    with ocp.CheckpointManager((out / "checkpoints" / "states").absolute()) as manager:
        return manager.restore(manager.latest_step(), args=ocp.args.StandardRestore())


def losses(out):
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.mark.slow  # three processes that compile a gradient
def test_a_run_killed_in_the_middle_ends_with_the_bits_of_one_that_was_not(tmp_path):
    config, whole, killed = written(tmp_path), tmp_path / "whole", tmp_path / "killed"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    subprocess.run(command(config, whole), cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    victim = subprocess.Popen(
        command(config, killed), cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    metrics, deadline = killed / "metrics.jsonl", time.monotonic() + 300
    while not (metrics.exists() and len(metrics.read_text().splitlines()) >= 3):
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert not (killed / "teacher.safetensors").exists()
    subprocess.run(command(config, killed), cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    assert losses(killed) == losses(whole)
    assert [line["step"] for line in losses(whole)] == list(range(8))
    one, other = last_state(whole), last_state(killed)
    assert one.keys() == other.keys()
    for name in one:
        assert np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes(), name
    for name in ("teacher.safetensors", "units.safetensors", "embedder.safetensors", "summary.json"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes()
    assert not list(whole.glob(".*"))
    # What the teacher's volatility is relative to lies beside it: one asset with a range, read off that.
    units = load_units(whole)
    assert units is not None
    assert units.assets == load_packaged("sp500").assets
    assert units.reference_variance is not None
    assert json.loads((whole / "summary.json").read_text())["code_digest"] == code_digest()
    # Another configuration must not go on from these states.
    line = fails(written(tmp_path, seed=4), killed)
    assert "holds a run with other settings, data or code; choose another --out" in line


def test_an_unknown_key_suggests_the_nearest(tmp_path):
    path = written(tmp_path, optimiser={"steps": 3, "learning_rat": 0.1})
    assert "did you mean 'learning_rate'" in fails(path, tmp_path / "out")


def test_unknown_data_is_told_with_the_nearest(tmp_path):
    assert "did you mean 'sp500'" in fails(written(tmp_path, data="sp50"), tmp_path / "out")


def test_a_missing_file_is_named(tmp_path):
    assert "nothing.parquet: no such file" in fails(written(tmp_path, data="nothing.parquet"), tmp_path / "out")


def test_too_short_a_period_is_told(tmp_path):
    line = fails(written(tmp_path, block_bars=2000), tmp_path / "out")
    assert "a block needs 2002" in line


def test_windows_longer_than_blocks_are_told_before_the_work(tmp_path):
    line = fails(written(tmp_path, block_bars=8), tmp_path / "out")
    assert "signature.window_bars must be at most block_bars 8, was 16" in line
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    assert "out" in fails(written(tmp_path), tmp_path / "out")


@pytest.mark.slow  # compiles a gradient
def test_a_loss_that_is_lost_names_step_and_part(tmp_path):
    optimiser = {**SMALL["optimiser"], "learning_rate": 1e30}
    line = fails(written(tmp_path, optimiser=optimiser), tmp_path / "out")
    assert "step" in line
    assert "--out" in line or "learning_rate" in line
