"""The gamma study as its user calls it wrongly."""

import pytest
from typer.testing import CliRunner

from scripts.study_gamma import app


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gammas", "0,x"], "--gammas must be numbers separated by commas, was 0,x"),
        (["--gammas", "0.5,0.5"], "--gammas must not repeat a value, was 0.5,0.5"),
        (["--artifact", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_call_ends_in_one_line(arguments, message, tmp_path):
    done = CliRunner().invoke(app, ["--data", "sp500", "--out", str(tmp_path / "out"), *arguments])
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if "error:" in line]
    assert message in line
    assert not (tmp_path / "out").exists()
