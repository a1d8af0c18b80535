"""The explanation as its user runs it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from aurora_jax.data import to_iso
from aurora_jax.engine import save_artifact
from scripts.explain import app
from tests.small_engine import ASSETS, small, walk


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    made = small("TRIO")
    folder = tmp_path_factory.mktemp("explain") / "artifact"
    return save_artifact(folder, config=made.config, trees=made.trees, metrics={}, data={}, seed=0, keys=None)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_an_explanation_is_of_what_the_engine_reported(artifact, tmp_path):
    made, bar, before = small("TRIO"), 120, 99
    # The small engine's history begins here; the packaged one begins earlier.
    frame = pd.DataFrame(made.data.close, columns=list(ASSETS)).assign(timestamp=[to_iso(t) for t in made.data.times])
    frame.to_csv(tmp_path / "trio.csv", index=False)
    day = to_iso(made.data.times[bar])
    common = ("--artifact", artifact, "--data", tmp_path / "trio.csv", "--asset", "XOM", "--bars", 2)
    done = run(*common, "--at", day, "--since-bars", bar - before, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert told["bar"] == day
    assert told["compared_with"] == to_iso(made.data.times[before])
    info, earlier = walk("TRIO").infos[bar], walk("TRIO").infos[before]
    forecast, kappa = told["forecast"], told["kappa_plus"]
    assert forecast["value"] == pytest.approx(float(info.forecast.quantiles[2, 0]), rel=1e-5)
    assert sum(forecast[name] for name in ("scale_law", "network", "features")) == pytest.approx(
        forecast["value"], rel=1e-3
    )
    drivers = pd.read_csv(tmp_path / "out" / "forecast.csv")
    assert drivers["contribution"].sum() == pytest.approx(forecast["features"], rel=1e-6)
    # The walk allocates nothing; under equal weights that the replay has until its first allocation both agree.
    assert kappa["completeness_error"] < 1e-12
    assert sum(kappa["change_by_part"].values()) == pytest.approx(kappa["value"] - kappa["before"])
    parts = np.stack([*info.certificate.kappa_parts, 1.0 - np.asarray(info.certificate.bcc)])
    found = pd.read_csv(tmp_path / "out" / "kappa.csv").pivot(index="part", columns="asset", values="uncertainty")
    np.testing.assert_allclose(found.loc[["state", "model", "forecast", "coverage"], list(ASSETS)], parts, rtol=1e-9)
    assert earlier.kappa_plus != info.kappa_plus
    assert (tmp_path / "out" / "forecast.png").stat().st_size > 5_000
    assert (tmp_path / "out" / "kappa.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "sp500"], "has no asset|no asset AAPL"),
        (["--data", "us20", "--at", "1950-01-01"], "no bar up to 1950-01-01: us20 begins on 1990-01-02"),
        (["--data", "us20", "--symbol", "GOLD"], "no stream 'GOLD' in .*; it has: TRIO"),
        (["--data", "us20", "--asset", "GE"], "asset must be one of AAPL, JPM, XOM, was GE"),
        (["--data", "us20", "--asset", "XOM", "--output", "median"], "output must be one of mean, scale"),
        (["--data", "us21"], "did you mean 'us20'"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(artifact, tmp_path, arguments, message):
    done = run("--artifact", artifact, "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 1
    assert len([line for line in done.output.splitlines() if "error:" in line]) == 1
    assert re.search(message, done.output), done.output
    assert not (tmp_path / "out").exists()
