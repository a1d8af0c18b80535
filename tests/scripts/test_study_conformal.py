"""The comparison of conformal methods as its user runs it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from aurora_jax.report import conformal_summary, conformal_verdict
from aurora_jax.study import IntervalMeasures, scored_forecasts
from scripts import conforming
from scripts.conforming import groups_of, measures_of, settings_of
from scripts.parts import kept
from scripts.study_conformal import app


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--group", "gold"], "no group 'gold'; there are elec2, changepoint, sp500"),
        (["--group", "coins", "--data", "nowhere"], "group coins needs nowhere/binance_1h"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path, options, message):
    done = CliRunner().invoke(app, [*options, "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert message in " ".join(line for line in done.output.splitlines() if line.startswith("error:"))


def test_a_part_is_made_again_for_other_scores(tmp_path):
    made = []
    one, other = (scored_forecasts("x", "g", np.arange(9.0), np.full(9, shift)) for shift in (0.0, 0.5))
    for series in (one, one, other):
        kept(tmp_path / "part.json", settings_of([series]), lambda: made.append(1) or {})
    assert len(made) == 2


def test_only_files_of_their_own_are_needed(tmp_path):
    needed = {name: file for name, (_, file) in groups_of(0, tmp_path).items()}
    assert [name for name, file in needed.items() if file is None] == ["sp500", "us20", "simulated"]
    assert needed["elec2"] == tmp_path / "conformal" / "elec2.parquet"


def told(score, coverage=0.9):
    return IntervalMeasures(2000, coverage, 1.0, 0.0, 0.88, score)


def test_the_summary_pools_alike_series():
    methods = ("AURORA", "ACI .005", "ACI .05", "DtACI", "PID", "quantile tracking")
    found = {name: {method: told(1.0 + i) for method in methods} for i, name in enumerate(("elec2 ar", "A", "B"))}
    found["B"]["AURORA"] = told(3.3, coverage=0.87)
    groups = {"elec2 ar": "elec2", "A": "us20", "B": "us20"}
    summary = conformal_summary(found, groups)
    assert list(summary) == ["elec2 ar", "20 stocks"]
    # .9 and .87; scores over the best 1 and 1.1
    assert summary["20 stocks"][0].cells[1] == "0.8850 (0.8700 to 0.9000)"
    assert summary["20 stocks"][0].cells[-1] == "1.050 (1.000 to 1.100)"
    verdict = conformal_verdict(found, groups, miscoverage=0.1)
    assert "within its tolerance on 2, interval score within 2 % of the best online method on 2" in verdict
    assert "of 3 series" in verdict
    assert "of 2 rows" in verdict


@pytest.mark.slow
def test_the_command_leaves_numbers_figures_and_a_page(tmp_path, monkeypatch):
    """One short series through every method, twice: the second run makes nothing."""
    scores = scored_forecasts("S&P 500", "sp500", np.random.default_rng(0).normal(size=700), np.zeros(700))
    monkeypatch.setattr(conforming, "_packaged", lambda *_: [scores])
    options = ["--group", "sp500", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "conformal.json").read_text())
    found = measures_of(result)["S&P 500"]
    assert set(found) == set(conforming.contestants(0.1))
    # 600 independent scores: the plain rule is within 4 standard errors
    assert found["plain"].coverage == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 600))
    assert {file.name for file in tmp_path.iterdir()} >= {"conformal.html", "scores.png", "time.png", "parts"}
    page = (tmp_path / "conformal.html").read_text()
    assert "quantile tracking" in page
    assert "http-equiv" in page
    monkeypatch.setattr(conforming, "_part", lambda *_: pytest.fail("made again"))
    assert CliRunner().invoke(app, options).exit_code == 0
