"""The router's command as its user runs it, on a file of bars, and what it says of what is wrong."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import yaml
from flax import nnx
from typer.testing import CliRunner

from aurora_jax.config import RouterConfig, load_config
from aurora_jax.data import FeaturePipeline, Standardiser, load_packaged
from aurora_jax.engine import TrainedStudent, load_router, save_student
from aurora_jax.router import EVIDENCE
from aurora_jax.student import DSSM, fit_trailing
from scripts.judging import calibration_of, read_held_out, write_held_out
from scripts.train_router import app

REPOSITORY = Path(__file__).parents[2]
FEATURES = ("return_1", "volatility_10")
SMALL = {
    "seed": 3,
    "data": "sp500",
    "window_bars": 64,
    "blocks": 3,
    "slerp": {"paths": 6, "points": 3, "clear_share": 1.0},
    "known": {"training": 4, "test": 4},
    "steps": 3,
}


def written(folder, **changes):
    path = folder / "router.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def a_student(folder, market):
    folder.mkdir()
    network = DSSM(len(FEATURES), hidden=4, latent=2, rngs=nnx.Rngs(3))
    plain = Standardiser(jnp.zeros(len(FEATURES)), 0.01 * jnp.ones(len(FEATURES)))
    trailing = fit_trailing(jnp.asarray(market.log_returns()))
    save_student(TrainedStudent(market.assets, FeaturePipeline(FEATURES).names, network, plain, trailing), folder)
    return folder


def called(config, student, out, *more):
    return CliRunner().invoke(app, ["--config", str(config), "--student", str(student), "--out", str(out), *more])


def fails(*args):
    done = called(*args)
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    return lines[0]


@pytest.mark.slow  # compiles the fits of three families
def test_a_router_is_trained_from_a_parquet_of_bars_and_judged(tmp_path):
    whole = load_packaged("us20")
    market = whole.select(whole.assets[:6]).between("2007-01-01", None).rows(0, 800)
    time = pd.to_datetime(market.times, unit="s", utc=True)
    bars = pd.concat(
        pd.DataFrame({"timestamp": time, "symbol": name, "close": market.close[:, place]})
        for place, name in enumerate(market.assets)
    )
    bars.to_parquet(tmp_path / "bars.parquet", index=False)
    student, out = a_student(tmp_path / "student", market), tmp_path / "out"
    config = written(tmp_path, data=str(tmp_path / "bars.parquet"))
    done = called(config, student, out)
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    windows = 6 * ((800 - 64 - FeaturePipeline(FEATURES).warm_up_bars) // 64 + 1)
    assert summary["held_out"]["windows"] == summary["pooled"]["windows"] == windows
    assert 0.0 <= summary["held_out"]["ece"] <= 1.0
    assert summary["monotonicity"]["steps"] == 2 * summary["monotonicity"]["paths"]
    assert summary["simulated_truth"]["windows"] == 12
    router = load_router(out)
    assert router.window_bars == 64
    said = router.probabilities(jnp.zeros((1, 2 + len(FEATURES) + EVIDENCE), jnp.float32)).probabilities
    assert float(said.sum()) == pytest.approx(1.0)
    for name in ("reliability.png", "monotonicity.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert read_held_out(out)[0].shape == (windows, 3)


def test_a_student_of_other_assets_is_refused_before_the_work(tmp_path):
    student = a_student(tmp_path / "student", load_packaged("nasdaq").rows(0, 100))
    line = fails(written(tmp_path), student, tmp_path / "out")
    assert "is a student of" in line
    assert "the data hold" in line


def test_cheap_mistakes_are_told_in_one_line(tmp_path):
    market = load_packaged("sp500").rows(0, 100)
    student = a_student(tmp_path / "student", market)
    assert "no such file" in fails(written(tmp_path), tmp_path / "nowhere", tmp_path / "out")
    assert "blocks" in fails(written(tmp_path, blocks=2), student, tmp_path / "out")
    line = fails(written(tmp_path), student, tmp_path / "out", "--pool", str(tmp_path / "student"))
    assert "summary.json: no such file; run scripts/train_router.py with --out" in line
    # Windows of the same data would count twice.
    (tmp_path / "student" / "summary.json").write_text(
        json.dumps({"data": {"sha256": load_packaged("sp500").digest, "symbol": "SP"}})
    )
    line = fails(written(tmp_path), student, tmp_path / "out", "--pool", str(tmp_path / "student"))
    assert "holds windows of SP, which are already among those to be pooled" in line


@pytest.mark.parametrize("name", ["router.yaml", "router_coins.yaml"])
def test_the_configurations_can_be_read(name):
    assert load_config(RouterConfig, REPOSITORY / "configs" / name).window_bars == 128


def test_the_record_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    said, weights = rng.dirichlet(np.ones(3), (2, 5))
    write_held_out(tmp_path, said, weights)
    for found, expected in zip(read_held_out(tmp_path), (said, weights), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.stat
def test_a_router_that_reports_the_weights_is_calibrated_to_draws_alone(key):
    """4,000 windows with weights (.7, .2, .1): draws come at .7, the heaviest family always."""
    weights = np.tile([0.7, 0.2, 0.1], (4000, 1))
    found = calibration_of(key, weights, weights)
    assert found["ece"] < 4.0 * np.sqrt(0.7 * 0.3 / 4000)
    assert found["ece_against_heaviest"] == pytest.approx(0.3)
    assert found["agrees_with_bic"] == 1.0
    assert found["cross_entropy_nats"] == pytest.approx(found["entropy_of_labels_nats"])
