"""One small data set, made once; tests that harm it work on a copy."""

import shutil

import pytest

from aurora_jax.config import parse_config
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.farm import finish, plan, run_chunk

EXAMS = {
    "fgn": {
        "family": "ground_truth_fgn",
        "regimes": ["AR", "GARCH"],
        "block_steps": 128,
        "paths": 10,
        "parameters": {"hurst": 0.3},
    },
    "clusters": {
        "family": "ground_truth_max_autoregression",
        "regimes": ["AR"],
        "block_steps": 256,
        "paths": 5,
        "parameters": {"persistence": 0.5, "tail_index": 0.3},
    },
}


def catalogue(**changes) -> SebPlusConfig:
    """Return a catalogue of two exams: 2 chunks of 5 paths, and 1 chunk of 5."""
    return parse_config(SebPlusConfig, {"seed": 7, "shard_paths": 5, "cells": EXAMS, **changes}, source="test")


def files_of(folder) -> dict[str, bytes]:
    """Return every file under `folder` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(out, specs, teacher=None):
    """Make a data set in one go, without Ray; return its folder."""
    for spec in specs:
        run_chunk(spec, teacher, out)
    finish(out, specs)
    return out


@pytest.fixture(scope="session")
def specs():
    return plan(catalogue())


@pytest.fixture(scope="session")
def undisturbed(specs, tmp_path_factory):
    """Return a data set made in one go."""
    return make(tmp_path_factory.mktemp("seb"), specs)


@pytest.fixture
def dataset(undisturbed, tmp_path):
    """Return a copy of the data set, to be harmed."""
    return shutil.copytree(undisturbed, tmp_path / "seb")
