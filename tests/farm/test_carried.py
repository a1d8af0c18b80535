"""What becomes of a data set's other cells when a command makes only some of them."""

import shutil

import pytest

from aurora_jax.farm import FarmError, carried_over, finish
from aurora_jax.scenarios import cells, load, read_manifest, sealed
from tests.farm.conftest import files_of

MANIFEST = "_dataset.json"


@pytest.fixture
def fgn(specs):
    """Return the plan of a command with `--cells fgn`; the data set also has the cell `clusters`."""
    return specs[:2]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def test_other_cells_whose_files_are_there_are_kept(dataset, undisturbed, fgn):
    assert carried_over(dataset, fgn).dropped == ()
    finish(dataset, fgn)
    assert files_of(dataset) == files_of(undisturbed)


def test_a_damaged_manifest_is_not_replaced_by_one_that_forgets_cells(dataset, undisturbed, specs, fgn):
    truncate(dataset / MANIFEST)
    before = files_of(dataset)
    for call in (carried_over, finish):
        with pytest.raises(FarmError, match=rf"{MANIFEST}: not a manifest.*cells: clusters.*or remove {MANIFEST}"):
            call(dataset, fgn)
    assert files_of(dataset) == before

    # Both remedies: all cells in one command ...
    finish(dataset, specs)
    assert files_of(dataset) == files_of(undisturbed)
    # ... or the manifest removed, and the commands one after the other.
    (dataset / MANIFEST).unlink()
    finish(dataset, fgn)
    assert cells(dataset) == ("fgn",)
    finish(dataset, specs[2:])
    assert files_of(dataset) == files_of(undisturbed)


def test_a_damaged_manifest_of_cells_that_are_all_in_the_plan_is_made_again(dataset, undisturbed, fgn, specs):
    shutil.rmtree(dataset / "cell=clusters")
    truncate(dataset / MANIFEST)
    finish(dataset, fgn)
    assert cells(dataset) == ("fgn",)
    assert load(dataset, cell="fgn").log_price.shape == (10, 257, 2)


def test_a_manifest_of_a_later_version_is_left_alone(dataset, fgn):
    (dataset / MANIFEST).write_bytes(sealed({"format": 2}))
    before = files_of(dataset)
    with pytest.raises(FarmError, match="upgrade aurora-jax"):
        finish(dataset, fgn)
    assert files_of(dataset) == before


def lose_folder(folder):
    shutil.rmtree(folder)


def lose_file(folder):
    next(folder.glob("*.parquet")).unlink()


def shorten(folder):
    truncate(next(folder.glob("*.parquet")))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [(lose_folder, "No such file"), (lose_file, "No such file"), (shorten, "bytes instead of")],
)
def test_a_cell_whose_files_are_gone_is_no_longer_listed_and_said_so(dataset, fgn, harm, reason):
    harm(dataset / "cell=clusters")
    (told,) = carried_over(dataset, fgn).dropped
    assert told.startswith("cell 'clusters' (")
    assert reason in told
    assert told.endswith("; --cells clusters makes it again")
    finish(dataset, fgn)
    assert cells(dataset) == ("fgn",)


def test_manifests_of_before_have_no_sizes_and_are_believed(dataset, fgn):
    content = read_manifest(dataset / MANIFEST)
    for chunk in content["cells"]["clusters"]["chunks"]:
        del chunk["bytes"]
    (dataset / MANIFEST).write_bytes(sealed(content))
    assert set(carried_over(dataset, fgn).cells) == {"clusters"}
