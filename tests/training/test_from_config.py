"""A run is named by its settings, its data, what was made of them, and its code."""

import jax.numpy as jnp

from aurora_jax.config import TeacherConfig
from aurora_jax.data import load_packaged
from aurora_jax.teacher import reference_teacher
from aurora_jax.training import TeacherSet, run_digest

CONFIG = {
    "seed": 3,
    "data": "sp500",
    "periods": {"train_end": "2003-01-01", "validation_end": "2005-01-01", "embargo_bars": 0},
    "optimiser": {"steps": 2},
}


def found(**changes):
    parts = {"start": reference_teacher(1), "data": {"labels": jnp.arange(3), "windows": jnp.ones(2)}, "training": None}
    return TeacherSet(**parts | changes)


def test_each_part_names_the_run():
    config, market = TeacherConfig(**CONFIG), load_packaged("sp500")
    names = [
        run_digest(config, market, found(), code="a"),
        run_digest(config.updated(seed=4), market, found(), code="a"),
        run_digest(config, load_packaged("nasdaq"), found(), code="a"),
        run_digest(config, market, found(start=reference_teacher(1, seed=1)), code="a"),
        # Another labelling of the same blocks leaves start and kernel as they are.
        run_digest(config, market, found(data={"labels": jnp.arange(3)[::-1], "windows": jnp.ones(2)}), code="a"),
    ]
    assert run_digest(config, market, found(), code="a") == names[0]
    names.append(run_digest(config, market, found(), code="b"))
    assert len(set(names)) == 6
