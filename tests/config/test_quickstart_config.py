from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from aurora_jax.config import ConfigError, QuickstartConfig, load_config, parse_config
from aurora_jax.core import Columns
from aurora_jax.data import FeaturePipeline, feature_names
from aurora_jax.engine import scenario_set

SHIPPED = Path(__file__).parents[2] / "configs" / "quickstart.yaml"


@pytest.fixture
def content():
    return yaml.safe_load(SHIPPED.read_text())


def test_the_shipped_quickstart_loads_and_says_what_the_file_says(content):
    config = load_config(QuickstartConfig, SHIPPED)
    assert config.seed == content["seed"] == 1337
    assert list(config.scenarios.cells) == list(content["scenarios"]["cells"])
    assert config.engine.conformal.miscoverage == content["engine"]["conformal"]["miscoverage"]
    assert config.engine.governance.guards.coverage_soft_min == 0.84
    assert set(config.engine.features) <= set(feature_names(Columns(ohlc=True, volume=True)))


def test_the_embargo_is_as_long_as_the_longest_feature_window():
    """A window that straddled the split would let the hold-out see training bars."""
    config = load_config(QuickstartConfig, SHIPPED)
    assert config.periods.embargo_bars >= FeaturePipeline(config.engine.features).warm_up_bars


@pytest.mark.parametrize(
    ("place", "key", "message"),
    [
        ((), "sed", "sed: unknown key; did you mean 'seed'"),
        (("periods",), "train_ends", "periods.train_ends: unknown key; did you mean 'train_end'"),
        (("scenarios", "cells", "rough"), "severities", "cells.rough.severities: .*did you mean 'severity'"),
        (("engine", "governance", "guards"), "coverage_min", "guards.coverage_min: .*did you mean 'coverage_"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(content, place, key, message):
    at = content
    for part in place:
        at = at[part]
    at[key] = 1
    with pytest.raises(ConfigError, match=message):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pass_share": 1.0}, "pass_share: .*was 1.0"),
        ({"seed": -1}, "seed: .*was -1"),
        ({"student": {"teacher_share": 1.0}}, "student.teacher_share"),
        ({"router": {"slerp_points": 1}}, "router.slerp_points"),
        ({"periods": {"train_end": "2010-01-01"}}, "periods.validation_end: Field required"),
        ({"operator_release_bars": 0}, "operator_release_bars"),
    ],
)
def test_values_out_of_range_are_refused(content, changes, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(QuickstartConfig, {**content, **changes}, source="quickstart.yaml")


def test_contradictory_thresholds_are_refused(content):
    content["engine"]["governance"]["guards"]["coverage_hard_min"] = 0.9
    with pytest.raises(ConfigError, match=r"coverage_hard_min must not exceed coverage_soft_min, were 0\.9 and 0\.84"):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")


def test_periods_must_follow_each_other(content):
    content["periods"]["validation_end"] = "2009-01-01"
    with pytest.raises(ConfigError, match="train_end must be before validation_end"):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")


@pytest.mark.parametrize(
    ("train_end", "validation_end", "message"),
    [
        ("2010-01-01T00:00:00+00:00", "2015-01-01", None),  # one names its offset, the other means UTC
        ("2010-01-01T01:00:00+02:00", "2010-01-01", None),  # 23:00 UTC of the day before
        ("2010-01-01T00:00:00-01:00", "2010-01-01", "periods: train_end must be before validation_end"),
        ("2010-01-01", "2010-01-01T00:00:00+00:00", "train_end must be before validation_end"),
        ("01/02/2010", "2015-01-01", "periods: '01/02/2010' is not an ISO 8601 date; write it as 2015-12-31"),
        ("2010-01-01", "2015", "periods: '2015' is not an ISO 8601 date; write it as 2015-12-31"),
    ],
)
def test_dates_are_iso_and_utc_unless_they_say_otherwise(content, train_end, validation_end, message):
    content["periods"].update(train_end=train_end, validation_end=validation_end)
    if message is None:
        assert parse_config(QuickstartConfig, content, source="quickstart.yaml").periods.train_end == train_end
    else:
        with pytest.raises(ConfigError, match=message):
            parse_config(QuickstartConfig, content, source="quickstart.yaml")


def test_the_transfer_stream_is_another_one(content):
    with pytest.raises(ConfigError, match="stream and transfer_stream must differ, were both 'US20'"):
        parse_config(QuickstartConfig, {**content, "transfer_stream": "US20"}, source="quickstart.yaml")


def at(content, *path):
    for part in path[:-1]:
        content = content[part]
    return content, path[-1]


CELLS = ("scenarios", "cells")
HEAVY = {
    "family": "heavy_tail",
    "regimes": ["AR"],
    "block_steps": 256,
    "paths": 128,
    "severity": {"jump_intensity": 3.0},
}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("stream",), "A/B", "stream: files are named after it: use letters, digits, dot, dash and underscore"),
        (("stream",), "", "stream: files are named after it"),
        (("transfer_stream",), "SPX\n", "transfer_stream: files are named after it"),
        (("transfer_stream",), "Zürich", "transfer_stream: files are named after it.*was 'Zürich'"),
        (("engine", "streams"), {}, r"engine\.streams is set by the run, from the data; remove it from the file"),
        (("engine", "features_removed"), {"range": "no"}, r"engine\.features_removed is set by the run"),
        (("engine", "features"), ["return_1", "range", "return_1"], "engine.features lists return_1 more than once"),
        (("seed",), 1, r"scenarios\.seed must be the seed of the run, 1, was 1337"),
        (("seed",), 2**63, "seed: Input should be less than 9223372036854775808"),
        (("seed",), True, "seed: Input should be a valid integer, was True"),
        (("student", "steps"), "120", "student.steps: Input should be a valid integer, was '120'"),
        ((*CELLS, "baseline_arma"), None, r"scenarios\.cells\.baseline_arma is missing; the engine needs it"),
        ((*CELLS, "baseline_ar"), HEAVY, "cells.baseline_ar was heavy_tail; the engine needs it, of family baseline"),
        ((*CELLS, "baseline_garch", "paths"), 127, "baseline_ar and baseline_garch must have as many paths, were 128"),
        ((*CELLS, "rough", "block_steps"), 255, "paths must be of one length, were 256 bars in baseline_ar and 255 in"),
        (("router", "window_bars"), 257, "paths of 256 bars hold no window of 257; raise block_steps"),
        (("student", "window_bars"), 257, "paths of 256 bars hold no window of 257; raise block_steps"),
    ],
)
def test_what_would_fail_after_minutes_is_refused_at_once(content, path, value, message):
    place, key = at(content, *path)
    place[key] = value
    if value is None:
        del place[key]
    with pytest.raises(ConfigError, match=message):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")


def test_a_cell_that_no_teacher_makes_is_refused(content):
    exam = {"family": "ground_truth_fgn", "regimes": ["AR"], "block_steps": 256, "paths": 64}
    content["scenarios"]["cells"]["exam"] = {**exam, "parameters": {"hurst": 0.3}}
    with pytest.raises(ConfigError, match=r"cells\.exam: ground_truth_fgn has no teacher to learn from"):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")


@pytest.mark.parametrize(
    ("paths", "block_steps", "tail_rows", "body_rows", "suffice"),
    [
        # 0.05 * 64 = 3.2 tail rows a path: 79 paths give round(252.8) = 253, 80 give 256
        (80, 256, 256, 256, None),
        (79, 256, 256, 256, 80),
        # 128 paths give 8192 rows, round(409.6) = 410 in the tail and 7782 in the body
        (128, 256, 410, 7782, None),
        (128, 256, 411, 256, 129),
        (128, 256, 256, 7783, 129),
        # a path of 32 bars gives 32 rows, not 64: 1.6 in the tail
        (160, 32, 256, 256, None),
        (159, 32, 256, 256, 160),
    ],
)
def test_the_scenarios_asked_for_must_be_simulated(content, paths, block_steps, tail_rows, body_rows, suffice):
    for name, cell in content["scenarios"]["cells"].items():
        cell["block_steps"] = block_steps // len(cell["regimes"])
        cell["paths"] = paths if name.startswith("baseline") else 64
    content["student"]["window_bars"] = content["router"]["window_bars"] = 32
    content["engine"]["crossbar"] = {"window_bars": 32}
    content["engine"]["allocation"].update(tail_rows=tail_rows, body_rows=body_rows)
    if suffice is None:
        config = parse_config(QuickstartConfig, content, source="quickstart.yaml")
        returns = np.random.default_rng(0).normal(size=(3, paths * min(block_steps, 64), 1))
        rows = scenario_set(
            jnp.asarray(returns), tail_probability=0.05, tail_rows=tail_rows, body_rows=body_rows, simulated_share=0.5
        )
        assert rows.returns.shape[1] == tail_rows + body_rows
        assert config.engine.allocation.tail_rows == tail_rows
    else:
        with pytest.raises(ConfigError, match=f"{paths} paths in each baseline cell give .*; {suffice} paths suffice"):
            parse_config(QuickstartConfig, content, source="quickstart.yaml")


def test_the_run_may_set_what_a_file_may_not():
    config = load_config(QuickstartConfig, SHIPPED)
    streams = {"US20": {"assets": ("A", "B"), "ohlc": False, "volume": False}}
    engine = {**config.engine.model_dump(), "streams": streams, "features_removed": {"range": "no open"}}
    assert config.updated(engine=engine).engine.streams["US20"].assets == ("A", "B")


def test_a_new_seed_is_that_of_the_scenarios_too():
    config = load_config(QuickstartConfig, SHIPPED).reseeded(7)
    assert (config.seed, config.scenarios.seed) == (7, 7)
    with pytest.raises(ConfigError, match=r"^seed must lie in \[0, 2\*\*63\), was -1\.$"):
        config.reseeded(-1)


def test_the_router_judges_the_window_that_the_engine_keeps(content):
    content["router"]["window_bars"] = 64
    with pytest.raises(ConfigError, match=r"router\.window_bars must be engine\.crossbar\.window_bars, 128, .* was 64"):
        parse_config(QuickstartConfig, content, source="quickstart.yaml")
