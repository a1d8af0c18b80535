"""The calibration command as its user runs it: what it teaches, what it refuses, and what it leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from scripts.calibrate_teacher import app
from tests.commands import ENVIRONMENT

REPOSITORY = Path(__file__).parents[2]
BARS = 360
EVENTS = 14


def bars(jumps=EVENTS, length=BARS):
    """Days of 40 steps each, with a jump of eight deviations on evenly spaced late ones."""
    rng = np.random.default_rng(8)
    steps = rng.normal(0.0, 0.01 / np.sqrt(40.0), (length, 40))
    steps[np.linspace(120, length - 5, jumps).astype(int) if length > 120 else [], 20] += 0.08
    path = 100.0 * np.exp(np.cumsum(steps.ravel())).reshape(length, 40)
    table = {"open": path[:, 0], "high": path.max(axis=1), "low": path.min(axis=1), "close": path[:, -1]}
    return pd.DataFrame({"timestamp": pd.date_range("2001-01-01", periods=length, freq="D"), **table})


def saved(folder, table, name="market.csv"):
    table.to_csv(folder / name, index=False)
    return folder / name


def settings(folder, source, **changes):
    sampler = {"chains": 2, "warm_up": 60, "draws": 60, "r_hat_below": 1.5}
    content = {"seed": 5, "market": {"source": str(source)}, "sampler": sampler, **changes}
    (folder / "posterior.yaml").write_text(yaml.safe_dump(content))
    return folder / "posterior.yaml"


def error_of(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    return lines[0]


def by_shell(program, *arguments):
    command = [sys.executable, program, *(str(one) for one in arguments)]
    environment = {**ENVIRONMENT, "COLUMNS": "200"}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["fit", "sbc", "cells", "Sample the posterior", "Prove the method"]),
        (["fit"], ["--data", "--bars-in-one", "--warm-up", "posterior.json", "same seed", "Exits with 1"]),
        (["sbc"], ["--replications", "ranks.png", "same command goes on"]),
        (["cells"], ["--base", "--count", "--config cells.yaml --list"]),
    ],
)
def test_help_teaches(command, words):
    done = by_shell("scripts/calibrate_teacher.py", *command, "--help")
    assert done.returncode == 0
    said = " ".join(done.stdout.replace("│", " ").split())
    for word in words:
        assert word in said


def test_unknown_data_is_told_with_the_nearest(tmp_path):
    line = error_of("fit", "--data", "sp50", "--out", tmp_path / "out")
    assert "'sp50'" in line
    assert "did you mean 'sp500'" in line


def test_an_unknown_key_is_told_with_the_nearest(tmp_path):
    line = error_of("fit", "--config", settings(tmp_path, "sp500", sampler={"warmup": 10}))
    assert "did you mean 'warm_up'" in line


def test_a_value_out_of_range_is_told_before_any_work(tmp_path):
    line = error_of("fit", "--data", "nothing.csv", "--draws", "2", "--out", tmp_path / "out")
    assert "draws" in line
    assert "greater than or equal to 4" in line


@pytest.mark.parametrize("option", ["--data", "--config"])
def test_a_missing_file_is_named(tmp_path, option):
    line = error_of("fit", option, tmp_path / "absent.csv", "--out", tmp_path / "out")
    assert "absent.csv: no such file" in line


def test_too_few_jumps_are_counted(tmp_path):
    config = settings(tmp_path, saved(tmp_path, bars(jumps=3)), jumps={"threshold_deviations": 6.0})
    line = error_of("fit", "--config", config, "--out", tmp_path / "out")
    assert "3 of 259 returns exceed 6 predicted deviations and at least 10 are needed" in line
    assert "lower jumps.threshold_deviations or give a longer history" in line
    assert not (tmp_path / "out").exists()


def test_too_short_a_market_is_told(tmp_path):
    line = error_of("fit", "--data", saved(tmp_path, bars(length=100)), "--out", tmp_path / "out")
    assert "99 bars and at least 256 are needed; give a longer history" in line
    line = error_of("fit", "--data", "sp500", "--bars-in-one", "100", "--out", tmp_path / "out")
    assert "49 bars and at least 256 are needed" in line
    assert not (tmp_path / "out").exists()


def test_duplicated_rows_are_refused_unless_they_are_to_be_mended(tmp_path):
    table = bars(length=120)
    file = saved(tmp_path, pd.concat([table[:8], table[7:]]))
    line = error_of("fit", "--data", file, "--out", tmp_path / "out")
    assert "row 9" in line
    assert "2001-01-08" in line
    # Mended, the next thing is wrong with it: of 120 bars one is not counted twice.
    assert "119 bars and at least 256 are needed" in error_of(
        "fit", "--data", file, "--mend", "--out", tmp_path / "out"
    )


def test_closes_alone_of_one_asset_are_refused_with_the_remedy(tmp_path):
    line = error_of("fit", "--data", saved(tmp_path, bars()[["timestamp", "close"]]), "--out", tmp_path / "out")
    assert "needs high and low to read its volatility by; give them, or a basket" in line


def test_cells_of_no_posterior_say_how_to_get_one(tmp_path):
    line = error_of("cells", tmp_path, "--out", tmp_path / "cells.yaml")
    assert f"posterior.json: no such file; write it with `calibrate_teacher.py fit --out {tmp_path}`" in line
    (tmp_path / "posterior.json").write_text("{")
    assert "its posterior is damaged" in error_of("cells", tmp_path, "--out", tmp_path / "cells.yaml")
    assert not (tmp_path / "cells.yaml").exists()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two processes with the same seed, each into a folder of its own."""
    folder = tmp_path_factory.mktemp("fitted")
    config = settings(folder, saved(folder, bars()))
    for name in ("one", "other"):
        done = by_shell("scripts/calibrate_teacher.py", "fit", "--config", config, "--out", folder / name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "120/120" in done.stdout  # the bar counts warm-up and draws
        assert "0 divergences" in done.stdout
    return folder


@pytest.mark.slow  # two processes that compile a sampler
def test_the_same_seed_writes_the_same_bytes(fitted):
    for name in ("posterior.json", "draws.npz", "priors.json", "trace.png", "report.md"):
        assert (fitted / "one" / name).read_bytes() == (fitted / "other" / name).read_bytes(), name
    content = json.loads((fitted / "one" / "posterior.json").read_text())
    assert content["convergence"] == "converged"
    assert content["observations"]["jumps"] >= EVENTS
    with np.load(fitted / "one" / "draws.npz") as draws:
        assert draws["hurst"].shape == (2, 60)
        assert content["parameters"]["hurst"]["mean"] == pytest.approx(draws["hurst"].mean())
    report = (fitted / "one" / "report.md").read_text()
    for name, one in content["parameters"].items():
        assert f"{name}" in report
        assert f"{one['r_hat']:.4f}" in report
    assert content["predictive"]["bars with a jump"]["real"] == content["observations"]["jumps"]


@pytest.mark.slow  # draws from the posterior of two processes
def test_cells_of_a_posterior_are_a_catalogue(fitted, tmp_path):
    catalogue = tmp_path / "cells.yaml"
    done = CliRunner().invoke(app, ["cells", str(fitted / "one"), "--out", str(catalogue), "--count", "3"])
    assert done.exit_code == 0, done.output
    cells = yaml.safe_load(catalogue.read_text())["cells"]
    with np.load(fitted / "one" / "draws.npz") as draws:
        for number in range(3):
            severity = cells[f"posterior_{number:03d}"]["severity"]
            (place,) = np.flatnonzero(draws["hurst"].ravel() == severity["hurst"])
            assert draws["branching_ratio"].ravel()[place] == severity["branching_ratio"]
    listed = by_shell("sims/seb_plus.py", "--config", catalogue, "--list")
    assert listed.returncode == 0, listed.stderr
    for name in cells:
        assert name in listed.stdout


@pytest.mark.slow  # compiles two samplers
def test_chains_that_do_not_agree_are_told_and_kept(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "priors.json").write_text("of an earlier run")
    config = settings(tmp_path, saved(tmp_path, bars()), sampler={"chains": 2, "warm_up": 2, "draws": 4})
    line = error_of("fit", "--config", config, "--out", out)
    content = json.loads((out / "posterior.json").read_text())
    worst = max(content["parameters"], key=lambda name: content["parameters"][name]["r_hat"])
    r_hat = content["parameters"][worst]["r_hat"]
    assert r_hat > 1.01
    assert f"{out}: written, but not converged: R-hat of {worst} is {r_hat:.4f}, not below 1.01" in line
    assert "after 4 warm-up steps; give more with sampler.warm_up and sampler.draws" in line  # the one retry doubles
    assert content["convergence"] == "not_converged"
    assert "**Not converged: do not draw cells from it.**" in (out / "report.md").read_text()
    assert not (out / "priors.json").exists()
    refused = error_of("cells", out, "--out", tmp_path / "cells.yaml")
    assert "the posterior cannot be drawn from: not converged" in refused
    assert not (tmp_path / "cells.yaml").exists()
