from pathlib import Path

import pytest

from aurora_jax.config import ConfigError, load_config, parse_config
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.core import Regime
from aurora_jax.scenarios import Family, FractionalGaussian, Severity

SHIPPED = Path(__file__).parents[2] / "configs" / "seb_plus.yaml"

CALM = {"family": "baseline", "regimes": ["AR", "GARCH"], "block_steps": 4, "paths": 8}
EXAM = {"family": "ground_truth_fgn", "regimes": ["AR"], "block_steps": 4, "paths": 8, "parameters": {"hurst": 0.3}}


def parse(**cells):
    return parse_config(SebPlusConfig, {"seed": 1, "cells": cells}, source="x.yaml")


def test_the_shipped_catalogue_has_every_family():
    catalogue = load_config(SebPlusConfig, SHIPPED).catalogue()
    assert {cell.family for cell in catalogue} == set(Family)


def test_cells_become_records():
    calm, exam = parse(calm={**CALM, "targets": {"tail_index": 0.3}}, exam=EXAM).catalogue()
    assert (calm.name, calm.regimes, calm.steps) == ("calm", (Regime.AR, Regime.GARCH), 8)
    assert calm.targets == {"tail_index": 0.3}
    assert exam.law == FractionalGaussian(hurst=0.3)
    assert exam.targets == {"hurst": 0.3}  # asked for by its law
    rough, _ = parse(rough={**CALM, "family": "rough", "severity": {"hurst": 0.05}}, exam=EXAM).catalogue()
    assert rough.severity == Severity(hurst=0.05)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({**CALM, "path": 3}, r"cells\.a\.path: unknown key; did you mean 'paths'"),
        ({**CALM, "severity": {"hurts": 0.1}}, r"cells\.a\.severity\.hurts: unknown key; did you mean 'hurst'"),
        ({**CALM, "family": "ruff"}, r"cells\.a\.family.*'rough'.*was 'ruff'"),
        ({**CALM, "regimes": ["AR", "TRANS"]}, r"cells\.a\.regimes\.1.*'AR', 'ARMA' or 'GARCH'"),
        ({**CALM, "parameters": {"hurst": 0.1}}, r"baseline takes severity, not parameters \['hurst'\]"),
        ({**CALM, "targets": {"hirst": 0.1}}, r"cells\.a\.targets\.hirst"),
        ({**CALM, "family": "rough"}, r"rough needs severity\.hurst"),
        ({**EXAM, "parameters": {"hirst": 0.1}}, r"parameters\.hirst: unknown; did you mean 'hurst'"),
        ({**EXAM, "parameters": {}}, r"parameters of family ground_truth_fgn lack 'hurst'"),
        ({**EXAM, "parameters": {"hurst": 1.5}}, r"hurst must lie in \(0, 1\), was 1\.5"),
        ({**EXAM, "paths": 0}, r"cells\.a\.paths.*greater than 0"),
    ],
)
def test_a_cell_that_cannot_be_made_is_explained(cell, message):
    with pytest.raises(ConfigError, match=message):
        parse(a=cell)


def test_a_name_that_is_no_folder_is_refused():
    with pytest.raises(ConfigError, match=r"was 'Big Crash'"):
        parse(**{"Big Crash": CALM})


def test_narrowed_keeps_the_order_and_what_was_not_named():
    config = parse(a=CALM, b=EXAM, c=CALM)
    fewer = config.narrowed(cells=["c", "a"], paths=3, seed=9)
    assert [(cell.name, cell.paths) for cell in fewer.catalogue()] == [("a", 3), ("c", 3)]
    assert fewer.seed == 9
    assert config.narrowed() == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": ["aa"]}, "no cell 'aa'; did you mean 'a'"),
        ({"cells": []}, "no cells were named"),
        ({"paths": 0}, "paths must be at least 1, was 0"),
        ({"seed": -1}, "seed must lie in"),
    ],
)
def test_narrowing_to_nothing_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        parse(a=CALM).narrowed(**changes)
