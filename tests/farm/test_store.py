import errno
import os
import re
import shutil

import pytest

from aurora_jax.farm import FarmError, finish, inspect, refuse_strangers, run_chunk, sweep, write_atomically
from aurora_jax.scenarios import ScenarioError, load, read_manifest, sealed
from tests.farm.conftest import files_of
from tests.unprivileged import unprivileged


def test_what_is_whole_is_found(undisturbed, specs):
    for spec in specs:
        found = inspect(undisturbed, spec)
        assert found.damage == ""
        assert found.manifest is not None
        assert found.manifest["digest"] == spec.digest


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    ("harm", "which", "damage"),
    [
        (truncate, "file", "SHA-256 differs"),
        (flip, "file", "SHA-256 differs"),
        (remove, "file", "No such file"),
        (truncate, "manifest", "not a manifest"),
        (flip, "manifest", "not a manifest|checksum"),
        (remove, "manifest", "^$"),  # a run killed between data and manifest: nothing wrong, just not done
    ],
)
def test_harm_is_found_named_and_undone_by_running_again(dataset, undisturbed, specs, harm, which, damage):
    harm(dataset / getattr(specs[1], which))
    found = inspect(dataset, specs[1])
    assert found.manifest is None
    assert re.search(damage, found.damage)
    assert [inspect(dataset, spec).manifest is None for spec in specs] == [False, True, False]
    run_chunk(specs[1], None, dataset)
    finish(dataset, specs)
    assert files_of(dataset) == files_of(undisturbed)


def test_a_manifest_of_another_recipe_does_not_vouch_for_a_chunk(dataset, specs):
    """An intact manifest and file under this chunk's name, of which only the recipe tells that they are another's."""
    content = read_manifest(dataset / specs[0].manifest)
    content.pop("format")
    content["recipe"]["seed"] = 8
    (dataset / specs[0].manifest).write_bytes(sealed(content))
    assert inspect(dataset, specs[0]).manifest is None
    assert "of another recipe" in inspect(dataset, specs[0]).damage


def test_a_data_set_is_not_declared_finished_with_a_chunk_missing(dataset, specs):
    (dataset / specs[0].file).unlink()
    with pytest.raises(FarmError, match="every node sees"):
        finish(dataset, specs)


def test_a_lost_data_set_manifest_is_made_again(dataset, undisturbed, specs):
    truncate(dataset / "_dataset.json")
    with pytest.raises(ScenarioError, match="run the same"):
        load(dataset, cell="fgn")
    finish(dataset, specs)
    assert files_of(dataset) == files_of(undisturbed)


def test_cells_made_apart_make_the_same_data_set(undisturbed, specs, tmp_path):
    for part in (specs[2:], specs[:2]):
        for spec in part:
            run_chunk(spec, None, tmp_path)
        finish(tmp_path, part)
    assert files_of(tmp_path) == files_of(undisturbed)


def test_chunks_of_another_plan_are_refused_and_left_alone(dataset, specs):
    stranger = dataset / "cell=fgn" / "part-00000-000000000000.parquet"
    shutil.copy(dataset / specs[0].file, stranger)
    before = files_of(dataset)
    with pytest.raises(FarmError, match=r"holds 1 chunks of another plan.*choose another --out"):
        refuse_strangers(dataset, specs)
    assert files_of(dataset) == before
    refuse_strangers(dataset, specs[2:])  # the other cell is not concerned


def test_sweep_removes_what_a_killed_run_left_and_nothing_else(dataset, undisturbed, specs):
    (dataset / "cell=fgn" / ".part-00000.parquet.abc.tmp").write_bytes(b"half")
    (dataset / "._dataset.json.abc.tmp").write_bytes(b"half")
    sweep(dataset, specs)
    assert files_of(dataset) == files_of(undisturbed)


def test_what_cannot_be_swept_is_a_clear_error(dataset, specs):
    (dataset / "cell=fgn" / ".part-00000.parquet.abc.tmp").mkdir()  # a folder cannot be removed like a file
    with pytest.raises(FarmError, match="cell=fgn: cannot write here"):
        sweep(dataset, specs)


def test_a_folder_that_may_not_be_looked_into_holds_nothing(dataset, specs):
    """The worker that then tries to write there says what is wrong."""
    dataset.chmod(0)
    with unprivileged():
        assert inspect(dataset, specs[0]) == (None, "")
    dataset.chmod(0o755)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(FarmError, match="disk full; free space and run the same command again"):
        write_atomically(path, b"new")
    assert files_of(tmp_path) == {"file": b"old"}
