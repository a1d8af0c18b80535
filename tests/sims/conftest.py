"""A catalogue small enough to be made many times."""

from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]

TINY = {
    "seed": 3,
    "shard_paths": 2,
    "cells": {
        "exam": {
            "family": "ground_truth_fgn",
            "regimes": ["AR"],
            "block_steps": 64,
            "paths": 4,
            "parameters": {"hurst": 0.3},
        },
        "calm": {"family": "baseline", "regimes": ["AR", "GARCH"], "block_steps": 4, "paths": 2},
    },
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """Return a configuration file with one exam (2 chunks) and one teacher cell (1 chunk)."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY, sort_keys=False))
    return path
