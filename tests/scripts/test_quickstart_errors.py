"""Whatever is wrong with what a newcomer hands over: one line, the remedy in it, and an exit code that is not 0."""

import numpy as np
import pandas as pd
import pytest
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
    "negative": (with_cell(5, -1.0), r"-1"),
    "duplicated": (duplicated(), r"(?i)duplicate"),
    "unsorted": (unsorted(), r"(?i)sort|order|ascend"),
    "short": (frame(50), r"50"),
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
    assert str(path) in line or "US20" in line


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


def test_a_missing_configuration_is_named(tmp_path):
    assert "no such file" in fails(["--config", tmp_path / "no.yaml", "--out", tmp_path / "out"])


def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    assert "--out" in fails(["--out", tmp_path / "file" / "run"])


def test_help_teaches():
    text = CliRunner().invoke(app, ["--help"]).output
    assert "report.html" in text
    assert "serve run" in text
