"""The whole command on a small market of one asset with a short hold-out, twice."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from aurora_jax.data import load_packaged
from aurora_jax.engine import load_units
from tests.commands import ENVIRONMENT

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Return the quickstart's own settings with little of everything, and a CSV of one share."""
    folder = tmp_path_factory.mktemp("settings")
    content = yaml.safe_load((REPOSITORY / "configs" / "quickstart.yaml").read_text())
    content["periods"] |= {"train_end": "2009-01-01", "validation_end": "2011-06-01"}
    content["teacher"]["steps"] = 12
    content["student"] |= {"steps": 4, "stride_bars": 64}
    content["router"] |= {"steps": 20, "slerp_paths": 8, "stride_bars": 96}
    for cell in content["scenarios"]["cells"].values():
        cell["paths"] = 16
    content["scenarios"]["shard_paths"] = 8
    content["engine"]["allocation"] |= {"tail_rows": 16, "body_rows": 32}
    config = folder / "small.yaml"
    config.write_text(yaml.safe_dump(content))
    share = load_packaged("us20").select(("JPM",)).between("2004-01-01", "2013-01-01")
    table = folder / "share.csv"
    rows = zip(share.times.astype("datetime64[s]"), share.close[:, 0], strict=True)
    table.write_text("timestamp,JPM\n" + "".join(f"{time},{close:.6f}\n" for time, close in rows))
    return config, table


def quickstart(settings, out, cache) -> str:
    config, table = settings
    command = [sys.executable, REPOSITORY / "scripts" / "quickstart.py", "--config", config, "--data", table]
    done = subprocess.run(
        [*map(str, command), "--out", str(out)],
        cwd=out.parent,
        env={**ENVIRONMENT, "JAX_COMPILATION_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_one_asset_from_a_file_with_a_short_hold_out_twice_the_same(settings, tmp_path):
    printed = [quickstart(settings, tmp_path / name, tmp_path / "cache") for name in ("first", "second")]
    first, second = ((tmp_path / name / "summary.json").read_bytes() for name in ("first", "second"))
    assert first == second
    summary = json.loads(first)
    basket = summary["streams"]["US20"]["engine"]
    assert 0.8 < basket["coverage"] < 0.98
    assert basket["pass_share"] + basket["derisk_share"] + basket["block_share"] == pytest.approx(1.0)
    assert summary["invariants"]["real"]["hurst"]["value"] == pytest.approx(0.5, abs=0.2)
    # One asset depends on no other: there is no number, and the reason is given.
    assert summary["invariants"]["real"]["tail_dependence"]["value"] is None
    for words in ("coverage", "router ECE", "seconds per stage", "AURORA_ARTIFACT=", "teacher"):
        assert words in printed[0]
    made = {path.name for path in (tmp_path / "first").iterdir()}
    assert made == {"report.html", "summary.json", "timings.json", "artifact", "scenarios", "figures"} & made
    assert {"report.html", "summary.json", "timings.json", "artifact", "scenarios"} <= made
    # What a what-if on the artifact starts from is in the units of the years before 2009.
    units = load_units(tmp_path / "first" / "artifact")
    assert units is not None
    assert (units.assets, units.reference_variance) == (("JPM",), None)
    training = load_packaged("us20").select(("JPM",)).between("2004-01-01", "2009-01-01")
    deviation = np.std(np.diff(np.log(training.close[:, 0])))
    np.testing.assert_allclose(units.cross_section.deviation, [deviation], rtol=0.02)


def test_scenarios_that_are_not_ours_are_left_alone(settings, tmp_path):
    config, table = settings
    precious = tmp_path / "out" / "scenarios" / "mine.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    command = [sys.executable, REPOSITORY / "scripts" / "quickstart.py", "--config", config, "--data", table]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "holds no AURORA data set: move it away or choose another --out" in done.stderr
    assert precious.read_text() == "mine"
