import json
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from aurora_jax.farm import MEASURED_AT, FarmError, finish, plan, run_chunk, simulate_chunk, size_of
from aurora_jax.farm.simulate import _follow_teacher
from aurora_jax.invariants import measure
from aurora_jax.scenarios import load, read_dataset, read_manifest, sha256
from aurora_jax.teacher import reference_teacher, shocked
from tests.farm.conftest import EXAMS, catalogue, files_of


def test_the_order_of_chunks_and_doing_one_twice_change_no_byte(undisturbed, specs, tmp_path):
    for spec in [*reversed(specs), specs[0]]:
        run_chunk(spec, None, tmp_path)
    finish(tmp_path, specs)
    assert files_of(tmp_path) == files_of(undisturbed)
    assert len(files_of(tmp_path)) == 2 * len(specs) + 1


def key_of(seed, *names, path):
    """Return a path's key by the rule that the manifest documents: fold in the CRC-32 of each name, then the path."""
    key = jax.random.key(seed)
    for name in names:
        key = jax.random.fold_in(key, zlib.crc32(str(name).encode()))
    return jax.random.fold_in(key, path)


def test_a_path_depends_on_its_key_alone_not_on_those_it_shares_a_chunk_with(undisturbed, specs):
    """Path 8 is the fourth of the second chunk: drawn here by itself."""
    law = specs[1].cell.law
    returns = jax.jit(lambda key: law.returns(key, steps=256))(key_of(7, "seb", "fgn", 1, path=3))
    stored = load(undisturbed, cell="fgn")
    assert np.allclose(stored.log_price[8, 1:], np.cumsum(returns, axis=0), atol=1e-6)
    assert len(np.unique(np.asarray(stored.log_price[:, -1, 0]))) == 10  # and no path is drawn twice


def test_the_law_arrives_in_the_file(undisturbed):
    """H = .3: lag-one correlation -.24214 (oracles). 20 series of 256 steps; scale .01."""
    returns = np.diff(np.asarray(load(undisturbed, cell="fgn").log_price, float), axis=1)
    assert np.mean(returns**2) == pytest.approx(1e-4, rel=0.1)
    assert np.mean(returns[:, 1:] * returns[:, :-1]) / np.mean(returns**2) == pytest.approx(-0.24214, abs=0.06)
    assert np.asarray(load(undisturbed, cell="fgn").regime)[3].tolist() == [0] * 128 + [2] * 128


def test_the_manifest_tells_what_the_file_holds(undisturbed, specs):
    for spec in specs:
        manifest = read_manifest(undisturbed / spec.manifest)
        frame = pd.read_parquet(undisturbed / spec.file)
        assert manifest["sha256"] == sha256((undisturbed / spec.file).read_bytes())
        assert manifest["rows"] == len(frame) == spec.rows
        assert frame["path"].unique().tolist() == list(range(spec.first_path, spec.first_path + spec.paths))
        assert manifest["recipe"]["seed"] == 7
        assert manifest["seed_path"] == ["seb", spec.cell.name, spec.shard]
        assert {"jax", "pyarrow", "aurora_jax"} <= set(manifest["recipe"]["versions"])


def test_manifests_tell_the_configuration_that_they_were_made_by(undisturbed, specs):
    cells = read_manifest(undisturbed / "_dataset.json")["cells"]
    for spec in specs:
        alone = catalogue(cells={spec.cell.name: {**EXAMS[spec.cell.name], "paths": 5}})
        assert read_manifest(undisturbed / spec.manifest)["recipe"]["config_digest"] == alone.digest()
        assert cells[spec.cell.name]["config_digest"] == alone.digest()
    assert cells["fgn"]["config_digest"] != cells["clusters"]["config_digest"]


def test_the_data_sets_manifest_has_each_cells_own_seed_and_versions(undisturbed):
    """As `read_dataset` says: cells of one folder may come from commands of different seeds."""
    whole = read_dataset(undisturbed)
    assert set(whole) == {"format", "kind", "cells"}
    for entry in whole["cells"].values():
        assert entry["seed"] == 7
        assert entry["versions"]["jax"] == jax.__version__
        assert {"description", "chunks", "invariants", "teacher", "measured_at", "backend"} <= set(entry)
        assert all((undisturbed / chunk["file"]).stat().st_size == chunk["bytes"] for chunk in entry["chunks"])


def test_manifests_hold_no_times():
    """Two runs a moment apart must agree to the byte, so no clock may reach a manifest."""
    words = json.dumps(plan(catalogue())[0].recipe)
    assert not any(word in words for word in ("time", "date", "seconds"))


def test_the_invariants_are_those_of_the_stored_paths(undisturbed, specs):
    """Recomputed from what a reader sees, path by path, outside the farm."""
    stored = load(undisturbed, cell="fgn").log_price.astype(jnp.float64)
    returns = jnp.diff(stored, axis=1)
    again = jax.jit(jax.vmap(lambda path: measure(path, **MEASURED_AT).hurst))(returns)
    report = read_manifest(undisturbed / "_dataset.json")["cells"]["fgn"]["invariants"]["hurst"]
    assert report["measured"] == pytest.approx(float(jnp.mean(again.value)), rel=1e-9)
    assert report["standard_error"] == pytest.approx(float(jnp.std(again.value, ddof=1)) / 10**0.5, rel=1e-9)
    assert (report["asked"], report["estimates"], report["of"]) == (0.3, 10, 10)


def test_the_size_foretold_is_the_size_found(specs, undisturbed):
    for spec in specs:
        found = (undisturbed / spec.file).stat().st_size
        assert 0.6 * found < size_of(spec, None).file_bytes < 1.4 * found


def test_a_folder_that_is_a_file_is_a_clear_error(specs, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(FarmError, match=r"cannot write here .*choose another --out"):
        run_chunk(specs[0], None, tmp_path / "file")


def test_a_teacher_cell_is_the_teacher_under_its_shock():
    """The chunk equals the teacher, shocked and called by hand with the keys that the manifest documents."""
    cell = {"family": "rough", "regimes": ["AR", "GARCH"], "block_steps": 128, "paths": 5}
    shock = {"hurst": 0.06, "volatility": 2.0, "jump_intensity": 3.0, "drift": 0.01}
    teacher = reference_teacher(2)
    (spec,) = plan(catalogue(cells={"cell": {**cell, "severity": shock}}), teacher=teacher)
    paths, _ = simulate_chunk(spec, teacher)

    keys = jnp.stack([key_of(7, "seb", "cell", 0, path=path) for path in range(5)])
    # The farm's own jitted call of `simulate`, because compiling a second one would cost ten seconds.
    by_hand = _follow_teacher(shocked(teacher, **shock), keys, jnp.array([0, 2]), 256)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, paths, by_hand)))
    assert paths.log_price.dtype == paths.log_volatility.dtype == jnp.float32
    assert paths.log_price.shape == (5, 257, 2)
    assert paths.regime[2].tolist() == [0] * 128 + [2] * 128
    # Drift of 1 % a step, 2.6 in all, against a standard deviation of .5: a shock left out would show.
    assert np.all(np.asarray(paths.log_price[:, -1]) > 1.0)
