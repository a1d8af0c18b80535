"""Whatever is wrong with what a newcomer hands over: one line, the remedy in it, and an exit code that is not 0."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from aurora_jax.config import QuickstartConfig, load_config
from scripts.quickstart import app
from scripts.run import load_markets

BARS = 500


def frame(bars=BARS):
    steps = np.random.default_rng(0).normal(0.0, 0.01, (bars, 2))
    prices = 100.0 * np.exp(np.cumsum(steps, axis=0))
    times = pd.date_range("2000-01-03", periods=bars, freq="B")
    return pd.DataFrame(prices, columns=["A", "B"]).assign(timestamp=times)[["timestamp", "A", "B"]]


def with_cell(row, value):
    table = frame()
    table.loc[row, "A"] = value
    return table


def duplicated():
    table = frame()
    table.loc[7, "timestamp"] = table.loc[6, "timestamp"]
    return table


def unsorted():
    table = frame()
    table.loc[[7, 8], "timestamp"] = table.loc[[8, 7], "timestamp"].to_numpy()
    return table


BAD_TABLES = {
    "nan": (with_cell(5, np.nan), r"row 6.*nan is not a finite number; repair or remove"),
    "negative": (with_cell(5, -1.0), r"row 6 \(2000-01-10, A\): close -1 is not a positive price; repair or remove"),
    "duplicated": (duplicated(), r"row 8 \(2000-01-11, A\): timestamp 2000-01-11 is duplicated; keep one row"),
    "unsorted": (unsorted(), r"row 9 \(2000-01-12, A\): timestamp 2000-01-12 is earlier than .*; sort the rows"),
    "short": (frame(50), r": 50 bars and at least 384 are needed; give a longer history"),
    "index written": (frame().reset_index(names=""), r"column 1 has no name; name it, or leave it out"),
    "name twice": (frame().rename(columns={"B": "A"}), r"columns 2 and 3 are both named 'A'; keep or rename one"),
}


def fails(arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code != 0
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    assert "Traceback" not in done.output
    return lines[0]


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_told_in_one_line(tmp_path, name):
    table, message = BAD_TABLES[name]
    path = tmp_path / "prices.csv"
    table.to_csv(path, index=False)
    line = fails(["--data", path, "--out", tmp_path / "out"])
    assert pd.Series([line]).str.contains(message).item(), line
    assert line.startswith(f"error: {path}: ")


def test_a_good_table_is_taken(tmp_path):
    path = tmp_path / "prices.csv"
    frame().to_csv(path, index=False)
    markets = load_markets(load_config(QuickstartConfig, "configs/quickstart.yaml"), path)
    assert markets["US20"].assets == ("A", "B")


def test_a_missing_table_is_named(tmp_path):
    assert "nothing.csv" in fails(["--data", tmp_path / "nothing.csv", "--out", tmp_path / "out"])


def test_an_unknown_key_suggests_the_nearest(tmp_path):
    path = tmp_path / "q.yaml"
    path.write_text("seed: 1\nteacher: {step: 3}\n")
    assert "did you mean 'steps'" in fails(["--config", path, "--out", tmp_path / "out"])


def shipped(folder, **changes):
    """Return a copy of the shipped configuration with keys changed, e.g. `teacher__steps=3`."""
    content = yaml.safe_load(Path("configs/quickstart.yaml").read_text())
    for place, value in changes.items():
        *parents, key = place.split("__")
        functools.reduce(dict.__getitem__, parents, content)[key] = value
    path = folder / "q.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_key_given_twice_is_told_with_its_line(tmp_path):
    path = tmp_path / "q.yaml"
    path.write_text("seed: 1\nteacher:\n  steps: 3\n  steps: 4\n")
    line = fails(["--config", path, "--out", tmp_path / "out"])
    assert line == f"error: {path}: line 4: key 'steps' stands in line 3 already; keep one."


@pytest.mark.parametrize(("seed", "shown"), [(-1, "-1"), (2**63, str(2**63))])
def test_a_seed_out_of_range_is_one_clean_line(tmp_path, seed, shown):
    line = fails(["--seed", seed, "--out", tmp_path / "out"])
    assert line == f"error: seed must lie in [0, 2**63), was {shown}."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"periods__train_end": "2010-01-01T00:00:00+00:00", "periods__validation_end": "2009-01-01"},
            "must be before",
        ),
        ({"periods__train_end": "01/02/2010"}, "periods: '01/02/2010' is not an ISO 8601 date; write it as 2015-12-31"),
        ({"engine__allocation__tail_rows": 500}, "410 of them in the tail, but .*tail_rows 500 .*; 157 paths suffice"),
    ],
)
def test_a_configuration_that_cannot_run_is_told_before_the_work(tmp_path, changes, message):
    line = fails(["--config", shipped(tmp_path, **changes), "--out", tmp_path / "out"])
    assert pd.Series([line]).str.contains(message).item(), line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [FloatingPointError, OverflowError, ValueError, OSError, RuntimeError])
def test_whatever_stops_the_run_is_one_line(tmp_path, monkeypatch, kind):
    def stopped(*_, **__):
        raise kind("the work\nstopped")

    monkeypatch.setattr("scripts.run.run", stopped)
    assert fails(["--out", tmp_path / "out"]) == "error: the work stopped"


@pytest.mark.slow  # it compiles the features of two streams and a teacher
def test_a_teacher_that_diverges_is_told_in_one_line(tmp_path):
    path = tmp_path / "prices.csv"
    frame(1500).to_csv(path, index=False)
    config = shipped(
        tmp_path,
        teacher__learning_rate=1e30,
        periods__train_end="2002-07-01",
        periods__validation_end="2004-01-01",
        engine__features=["return_1"],
    )
    line = fails(["--config", config, "--data", path, "--out", tmp_path / "out"])
    assert "teacher loss became" in line
    assert "lower the learning rate" in line


def test_a_missing_configuration_is_named(tmp_path):
    assert "no such file" in fails(["--config", tmp_path / "no.yaml", "--out", tmp_path / "out"])


def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    assert "--out" in fails(["--out", tmp_path / "file" / "run"])


def test_help_teaches():
    text = CliRunner().invoke(app, ["--help"]).output
    assert "report.html" in text
    assert "serve run" in text
