"""The student's commands as their user runs them: from a configuration to a page, and what is wrong in one line."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from scripts.study_forecasts import app as study_app
from scripts.train_student import app as train_app

SMALL = {
    "seed": 3,
    "data": "sp500",
    "periods": {"train_end": "2003-01-01", "validation_end": "2004-01-01", "embargo_bars": 0},
    "features": ["return_1", "volatility_10", "range"],
    "model": {"hidden": 4, "latent": 2},
    "windows": {"window_bars": 32, "stride_bars": 16},
    "optimiser": {"steps": 4, "batch_windows": 4, "validate_every": 2, "checkpoint_every": 2},
}


def written(folder, **changes):
    path = folder / "student.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def fails(app, *arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    assert "Traceback" not in done.output
    return lines[0]


def test_a_student_that_is_not_there_names_the_command(tmp_path):
    line = fails(study_app, "--config", written(tmp_path), "--student", tmp_path / "none", "--out", tmp_path / "out")
    assert "train_student.py --out" in line
    assert not (tmp_path / "out").exists()


def test_a_teacher_belongs_to_a_training(tmp_path):
    assert "--train" in fails(study_app, "--config", written(tmp_path), "--teacher", tmp_path)


@pytest.mark.parametrize("app", [train_app, study_app])
def test_a_misspelt_setting_names_the_nearest(app, tmp_path):
    line = fails(app, "--config", written(tmp_path, optimizer={}), "--out", tmp_path / "out")
    assert "optimiser" in line


def test_a_teacher_that_is_not_there_is_named(tmp_path):
    line = fails(train_app, "--config", written(tmp_path), "--teacher", tmp_path / "none", "--out", tmp_path / "out")
    assert str(tmp_path / "none") in line


def test_a_student_without_the_record_of_its_training_is_refused(tmp_path):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "student.safetensors").write_bytes(b"")
    line = fails(study_app, "--config", written(tmp_path), "--student", tmp_path / "student", "--out", tmp_path / "out")
    assert "summary.json is missing" in line


@pytest.mark.slow  # compiles a gradient and a scan over all bars
def test_one_command_from_a_market_to_a_page_and_again(tmp_path):
    arguments = ["--train", "--config", str(written(tmp_path)), "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(study_app, arguments)
    assert first.exit_code == 0, first.output
    assert "In NLL the student is" in " ".join(first.output.split())
    out = tmp_path / "out"
    found = json.loads((out / "forecasts.json").read_text())
    rivals = {"its scale law alone", "GARCH(1,1)-t", "GJR-GARCH-t (arch)", "EWMA-t", "historical, 500 bars"}
    assert set(found["scores"]) == {"student"} | rivals
    assert set(found["differences"]) == rivals
    assert found["bars"] > 3000
    assert "<h1>Forecasts: sp500</h1>" in (out / "forecasts.html").read_text()
    summary = json.loads((out / "student" / "summary.json").read_text())
    assert summary["windows"]["teacher"] == 0
    assert summary["validation_nats_per_return"]["student"] <= summary["validation_nats_per_return"]["scale law alone"]
    before = {path: path.read_bytes() for path in out.rglob("*.json")}
    # Bars that the student was trained on would count as held out.
    later = SMALL["periods"] | {"train_end": "2002-01-01"}
    other = written(tmp_path, periods=later)
    assert "was trained with periods" in fails(study_app, "--config", other, "--student", out / "student")
    line = fails(study_app, "--config", written(tmp_path), "--student", out / "student", "--data", "nasdaq")
    assert "was trained on other data" in line
    again = CliRunner().invoke(study_app, arguments)  # goes on from the last checkpoint: nothing is trained again
    assert again.exit_code == 0, again.output
    assert {path: path.read_bytes() for path in out.rglob("*.json")} == before
