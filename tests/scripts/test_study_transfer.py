"""The transfer study as its user runs it."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from aurora_jax.training import code_digest
from scripts.study_transfer import app
from scripts.transferring import Sizes, hourly, settings_of, told_of


def test_domains_that_are_too_short_are_refused_in_one_line(tmp_path):
    done = CliRunner().invoke(app, ["--bars", "500", "--out", str(tmp_path)])
    assert done.exit_code == 1
    lines = [line for line in done.output.splitlines() if "error:" in line]
    assert lines == ["error: --bars must be at least 640, was 500: fewer hold too few extremes."]


def test_parts_are_known_by_settings_and_code():
    told = settings_of(3, Sizes(2, 3, 4, (1024, 2048), 8), coins=True)
    assert (told["seed"], told["markets"], told["bars"], told["coins"]) == (3, 2, [1024, 2048], True)
    assert told["code"] == code_digest(
        packages=("certification", "core", "invariants", "scenarios", "stochastic", "study")
    )


def test_of_an_hour_told_twice_the_last_row_counts():
    hours = pd.to_datetime(["2021-01-01 01:00", "2021-01-01 00:00", "2021-01-01 01:00", "2021-01-01 00:00"])
    table = pd.DataFrame({"timestamp": hours, "symbol": ["A", "A", "A", "B"], "close": [9.0, 1.0, np.e, 5.0]})
    np.testing.assert_allclose(hourly(table, "A"), [[1.0]])


@pytest.mark.slow
def test_a_verdict_is_told_in_plain_values():
    noise = np.random.default_rng(0).normal(size=(2048, 1))
    told = told_of(noise, noise)
    assert told["verdict"] == "UNDECIDED"
    assert told["ctr"] == {"value": None, "standard_error": None}
    assert told["d_hurst"]["value"] == 0.0
