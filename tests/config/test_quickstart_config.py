from pathlib import Path

import pytest
import yaml

from aurora_jax.config import ConfigError, QuickstartConfig, load_config, parse_config
from aurora_jax.core import Columns
from aurora_jax.data import FeaturePipeline, feature_names

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


def test_the_transfer_stream_is_another_one(content):
    with pytest.raises(ConfigError, match="stream and transfer_stream must differ, were both 'US20'"):
        parse_config(QuickstartConfig, {**content, "transfer_stream": "US20"}, source="quickstart.yaml")
