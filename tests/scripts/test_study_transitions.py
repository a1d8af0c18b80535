"""The transition study as its user runs it."""

import sys

import pytest
from typer.testing import CliRunner

from aurora_jax.study import Sizes
from aurora_jax.training import code_digest
from scripts.study_transitions import app
from scripts.switching import _one_for_all, cell, settings_of


def test_without_dynamax_one_line_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dynamax.hidden_markov_model", None)
    done = CliRunner().invoke(app, ["--flips", "20", "--stationary", "10", "--bars", "1000", "--out", str(tmp_path)])
    assert done.exit_code == 1
    lines = [line for line in done.output.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert "pip install 'aurora-jax[peers]'" in lines[0]


def test_parts_of_another_code_are_made_anew():
    """A detector's reading that was added, say: its packages are in the name of the code."""
    told = settings_of(3, Sizes(20, 10, 1000))
    assert told["code"] == code_digest(packages=("core", "crossbar", "study", "timeseries"))
    assert (told["seed"], told["flips"]) == (3, 20)


def test_one_setting_serves_all_changes():
    # Sums of medians: a 20 + 500, b 60 + 70.
    chosen = {"one": {"two lengths": {"a": 20.0, "b": 60.0}}, "two": {"two lengths": {"a": None, "b": 70.0}}}
    assert _one_for_all(chosen) == "b"


@pytest.mark.parametrize(("median", "text"), [(33.0, "33 (28 to never), 91 %"), (None, "never (28 to never), 91 %")])
def test_a_cell_says_what_was_measured(median, text):
    assert cell({"median_bars": median, "low_bars": 28.0, "high_bars": None, "found_share": 0.914}) == text
