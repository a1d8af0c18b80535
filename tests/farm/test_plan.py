import importlib

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from aurora_jax.farm import digest_of, plan
from aurora_jax.teacher import reference_teacher
from tests.farm.conftest import EXAMS, catalogue

BASELINE = {"family": "baseline", "regimes": ["AR"], "block_steps": 4, "paths": 1}


def digests(**changes):
    return [spec.digest for spec in plan(catalogue(**changes))]


def test_a_cell_is_cut_into_shards_that_cover_its_paths_once():
    cells = {"fgn": {**EXAMS["fgn"], "paths": 12}}
    specs = plan(catalogue(cells=cells))
    assert [(spec.shard, spec.first_path, spec.paths) for spec in specs] == [(0, 0, 5), (1, 5, 5), (2, 10, 2)]
    assert [spec.rows for spec in specs] == [5 * 257, 5 * 257, 2 * 257]
    assert [spec.path_steps for spec in specs] == [5 * 256, 5 * 256, 2 * 256]


def test_names_are_those_that_readers_and_other_runs_rely_on(specs):
    spec = specs[1]
    assert str(spec.file) == f"cell=fgn/part-00001-{spec.digest}.parquet"
    assert str(spec.manifest) == f"cell=fgn/_part-00001-{spec.digest}.json"
    assert spec.seed_path == ("seb", "fgn", 1)


def test_the_same_configuration_gives_the_same_plan_and_no_two_chunks_share_a_digest(specs):
    assert plan(catalogue()) == specs
    assert len({spec.digest for spec in specs}) == len(specs)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"shard_paths": 6},
        {"threads_per_worker": 2},
        {"cells": {name: {**cell, "block_steps": 64} for name, cell in EXAMS.items()}},
        {"cells": {name: {**cell, "regimes": ["ARMA"] * len(cell["regimes"])} for name, cell in EXAMS.items()}},
        {
            "cells": {
                name: {**cell, "parameters": {**cell["parameters"], "scale": 0.02}} for name, cell in EXAMS.items()
            }
        },
    ],
)
def test_whatever_changes_the_bytes_changes_every_digest(specs, changes):
    assert not set(digests(**changes)) & {spec.digest for spec in specs}


def test_more_paths_keep_the_whole_chunks_that_are_there(specs):
    more = {name: {**cell, "paths": cell["paths"] + 7} for name, cell in EXAMS.items()}
    assert set(digests(cells=more)) > {spec.digest for spec in specs}


def test_a_cell_does_not_depend_on_its_neighbours(specs):
    assert digests(cells={"clusters": EXAMS["clusters"]}) == [specs[2].digest]


def test_a_teacher_matters_to_its_own_cells_only():
    teacher = reference_teacher(2)
    other = eqx.tree_at(lambda model: model.embedding, teacher, teacher.embedding + 1.0)
    config = catalogue(cells={"calm": BASELINE, **EXAMS})
    before, after = plan(config, teacher=teacher), plan(config, teacher=other)
    assert [a.digest == b.digest for a, b in zip(before, after, strict=True)] == [False, True, True, True]
    with pytest.raises(ValueError, match="cell 'calm' of family baseline needs a teacher, was None"):
        plan(config)


class Model(eqx.Module):
    weight: jax.Array
    activation: object
    switch: bool = eqx.field(static=True)


def test_a_model_is_known_by_its_arrays_its_functions_and_its_switches():
    one = Model(jnp.ones(3), jax.nn.relu, switch=True)
    assert digest_of(one) == digest_of(Model(jnp.ones(3), jax.nn.relu, switch=True))
    others = [
        Model(jnp.ones(3).at[2].set(2.0), jax.nn.relu, switch=True),
        Model(jnp.ones(3, jnp.float32), jax.nn.relu, switch=True),
        Model(jnp.ones((3, 1)), jax.nn.relu, switch=True),
        Model(jnp.ones(3), jax.nn.gelu, switch=True),
        Model(jnp.ones(3), jax.nn.relu, switch=False),
    ]
    assert len({digest_of(one), *map(digest_of, others)}) == 6


def test_chunks_of_an_earlier_format_are_another_plans(specs, monkeypatch):
    """The same recipe measured less then; their manifests would lack what is asked for now."""
    assert specs[0].recipe["chunk_format"] == 2
    monkeypatch.setattr(importlib.import_module("aurora_jax.farm.plan"), "CHUNK_FORMAT", 1)
    assert not {spec.digest for spec in plan(catalogue())} & {spec.digest for spec in specs}
