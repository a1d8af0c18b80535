"""The walk-forward as its user runs it."""

import json

import pytest
from typer.testing import CliRunner

from scripts import allocating
from scripts.study_allocation import app

SHORT = ["--start", "2017-06-01", "--reported-from", "2021-06-01", "--resamples", "99", "--rebalance-bars", "126"]


def fails(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.output
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--reported-from", "2022-06-01"], "days from 2022-06-01 cannot be scored"),
        (["--reported-from", "1992-06-01"], "days before 1992-06-01 cannot be scored"),
        (["--start", "2022-06-01"], "needs 513 returns"),
        (["--start", "2030-01-01"], "no bar from 2030-01-01"),
        (["--reported-from", "soon"], "soon"),
    ],
)
def test_a_period_that_cannot_be_scored_is_named_before_work_starts(arguments, told, tmp_path):
    assert told in fails(*arguments, "--out", tmp_path)
    assert not (tmp_path / "allocation.json").exists()


@pytest.mark.slow  # compiles the solver
def test_one_command_from_a_market_to_a_page_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(allocating, "code_digest", lambda packages: "the same")  # whoever edits a file meanwhile
    arguments = [*SHORT, "--multiple", "0", "--multiple", "1", "--out", str(tmp_path)]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "Chosen before by least ES" in " ".join(first.output.split())
    found = json.loads((tmp_path / "allocation.json").read_text())
    assert set(found["bounds"]) == {"long short", "long only"}
    told = found["bounds"]["long only"]
    rules = ["CVaR (radius 0)", "DRO-ES 1", "least variance", "equal weight"]
    assert set(told["periods"]["reported"]) == set(rules)
    assert told["solver"]["solved"] == told["solver"]["asked"]
    assert told["solver"]["largest_gap"] < 1e-9
    assert told["chosen"]["shortfall"] in rules[:2]
    before = told["periods"]["earlier"]
    assert before[told["chosen"]["shortfall"]]["shortfall"][0] == min(
        before[rule]["shortfall"][0] for rule in rules[:2]
    )
    assert "<h1>Allocation: us20</h1>" in (tmp_path / "allocation.html").read_text()
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    content = (tmp_path / "allocation.json").read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "allocation.json").read_bytes() == content
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()} == parts  # kept, not made anew
    dearer = CliRunner().invoke(app, [*arguments, "--cost-bp", "50"])  # costs change no weights
    assert dearer.exit_code == 0, dearer.output
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()} == parts
    costly = json.loads((tmp_path / "allocation.json").read_text())["bounds"]["long only"]["periods"]["reported"]
    assert costly["DRO-ES 1"]["sharpe"][0] < told["periods"]["reported"]["DRO-ES 1"]["sharpe"][0]
