"""The explanation as its user runs it."""

import io
import json
import re
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from aurora_jax.core import Outcome
from aurora_jax.data import to_iso
from aurora_jax.engine import save_artifact
from aurora_jax.explain import Attribution, evidence_of, kappa_drivers
from aurora_jax.replay import replay
from aurora_jax.router import FAMILIES
from scripts.explain import app
from scripts.explaining import history_up_to, show_forecast, stream_for
from tests.small_engine import ASSETS, first, histories, settings, small

BAR, BEFORE = 120, 99


def saved(folder, stream):
    made = small(stream)
    return save_artifact(folder, config=made.config, trees=made.trees, metrics={}, data={}, seed=0, keys=None)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("explain") / "artifact", "TRIO")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The small engine's history begins with this file; the packaged one begins earlier."""
    data = small("TRIO").data
    path = tmp_path_factory.mktemp("data") / "trio.csv"
    frame = pd.DataFrame(data.close, columns=list(ASSETS)).assign(timestamp=[to_iso(t) for t in data.times])
    frame.to_csv(path, index=False)
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_an_explanation_is_of_what_the_engine_reported(artifact, table, tmp_path):
    made, day = small("TRIO"), to_iso(small("TRIO").data.times[BAR])
    done = run("--artifact", artifact, "--data", table, "--asset", "XOM", "--bars", 2, "--at", day, "--since-bars",
               BAR - BEFORE, "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "explanation.json").read_text())
    assert (told["bar"], told["compared_with"]) == (day, to_iso(made.data.times[BEFORE]))
    rows = replay(made.engine, made.engine.init(), first(made.bars, BAR + 1)).rows
    now, before = (
        evidence_of(jax.tree.map(lambda leaf, i=bar: leaf[i], rows.info), rows.weights[bar - 1])
        for bar in (BAR, BEFORE)
    )
    assert not np.allclose(now.weight, before.weight)  # allocated in between
    expected = kappa_drivers(made.engine.meta, now, before, assets=ASSETS)
    kappa = told["kappa_plus"]
    assert (kappa["value"], kappa["before"]) == pytest.approx((expected.kappa_plus, expected.reference_kappa_plus))
    for name, column in (("by_part", "contribution"), ("change_by_part", "change")):
        assert kappa[name] == pytest.approx(expected.by_part[column].to_dict(), abs=1e-12)
    assert told["families"] == pytest.approx(dict(zip(FAMILIES, rows.info.families[BAR, 2].tolist(), strict=True)))
    forecast = told["forecast"]
    assert forecast["value"] == pytest.approx(float(rows.info.forecast.quantiles[BAR, 2, 0]), rel=1e-5)
    parts = sum(forecast[name] for name in ("scale_law", "network", "features"))
    assert parts == pytest.approx(forecast["value"], rel=1e-3)
    drivers = pd.read_csv(tmp_path / "forecast.csv")
    assert drivers["contribution"].sum() == pytest.approx(forecast["features"], rel=1e-6)
    assert pd.read_csv(tmp_path / "kappa.csv")["change"].sum() == pytest.approx(kappa["value"] - kappa["before"])
    assert f"XOM's quantile_05 is {forecast['value']:.5f}" in " ".join(done.output.split())
    for name in ("forecast.png", "kappa.png"):
        assert (tmp_path / name).stat().st_size > 5_000


@pytest.mark.slow
def test_a_file_of_one_asset_may_call_it_otherwise(tmp_path):
    data = small("INDEX").data.rows(0, 110)
    frame = pd.DataFrame({name: getattr(data, name)[:, 0] for name in ("open", "high", "low", "close", "volume")})
    frame.assign(timestamp=[to_iso(t) for t in data.times]).to_csv(tmp_path / "mine.csv", index=False)
    folder = saved(tmp_path / "artifact", "INDEX")
    done = run("--artifact", folder, "--data", tmp_path / "mine.csv", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert told["bar"] == to_iso(data.times[-1])


@pytest.mark.parametrize(("outcome", "told"), [(Outcome.OK, False), (Outcome.NOT_CONVERGED, True)])
def test_contributions_that_do_not_add_up_are_told(outcome, told):
    drivers = pd.DataFrame(
        {"feature": ["kurtosis"], "asset": ["X"], "bars_ago": [0], "value": [1.0], "contribution": [-0.002]}
    ).assign(share=-1.0, completeness_error=0.2)
    found = Attribution("X", "quantile_05", -0.05, -0.04, -0.008, drivers, 0.2, 512, outcome)
    console = Console(file=io.StringIO(), width=120)
    show_forecast(console, found)
    printed = console.file.getvalue()
    assert "X's quantile_05 is -0.05000 = scale law -0.04000 + network -0.00800 + features -0.00200" in printed
    assert ("NOT_CONVERGED: the contributions must not be used" in printed) == told


def test_a_market_finds_its_stream():
    trio, index = histories().values()
    streams = settings(histories()).streams
    assert list(streams) == ["TRIO", "INDEX"]
    assert stream_for(trio, streams, symbol=None) == "TRIO"
    assert stream_for(index, streams, symbol=None) == "INDEX"
    assert stream_for(replace(index, assets=("mine",)), streams, symbol=None) == "INDEX"
    assert stream_for(trio, streams, symbol="INDEX") == "INDEX"


def test_a_date_is_its_whole_day_and_a_time_that_time():
    index = histories()["INDEX"].rows(0, 60)
    hourly = replace(index, times=index.times[0] + 3600 * np.arange(60))
    day, stream = to_iso(index.times[0])[:10], settings(histories()).streams["INDEX"]
    assert len(history_up_to(day, hourly, stream).times) == 24
    assert len(history_up_to(f"{day}T05:00:00", hourly, stream).times) == 6
    assert len(history_up_to(None, hourly, stream).times) == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "sp500"], "no asset AAPL, JPM, XOM; it has sp500"),
        (["--data", "us20", "--at", "1950-01-01"], r"no bar up to 1950-01-01 \(--at\): us20 begins on 1990-01-02"),
        (["--data", "us20", "--at", "yesterday"], "yesterday"),
        (["--data", "us20", "--symbol", "GOLD"], "no stream GOLD; --symbol may be TRIO"),
        (["--data", "us20"], "--asset must be one of AAPL, JPM, XOM, was not given"),
        (["--data", "us20", "--asset", "GE"], "--asset must be one of AAPL, JPM, XOM, was GE"),
        (["--data", "us20", "--asset", "XOM", "--output", "median"], "--output must be one of mean, scale.* median"),
        (["--data", "us20", "--asset", "XOM", "--at", "1990-05-01"], r"holds 84 bars: .*\(--since-bars\).* needs 70"),
        (["--data", "us21"], "did you mean 'us20'"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(artifact, tmp_path, arguments, message):
    done = run("--artifact", artifact, "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 1
    assert len([line for line in done.output.splitlines() if "error:" in line]) == 1
    assert re.search(message, " ".join(done.output.split())), done.output
    assert not (tmp_path / "out").exists()
