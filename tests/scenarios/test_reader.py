"""A data set laid out by hand: the reader must not need the farm that writes them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aurora_jax.scenarios import DATASET_MANIFEST, ScenarioError, cells, chunks, load, sealed, sha256


@pytest.fixture
def dataset(tmp_path):
    """Return a folder with one cell `calm`: 3 paths of 2 steps, one asset, in two files."""
    folder = tmp_path / "cell=calm"
    folder.mkdir()
    listed = []
    for name, first, prices in [("a", 0, [0, 1, 2, 0, 3, 4]), ("b", 2, [0, 5, 6])]:
        count = len(prices) // 3
        table = pa.table(
            {
                "path": np.repeat(np.arange(first, first + count, dtype=np.int32), 3),
                "step": np.tile(np.arange(3, dtype=np.int32), count),
                "log_price_0": np.asarray(prices, np.float32),
                "regime": np.tile(np.array([0, 0, 2], np.int8), count),
                "jumps": np.tile(np.array([0, 1, 0], np.int16), count),
            }
        )
        pq.write_table(table, folder / f"{name}.parquet")
        digest = sha256((folder / f"{name}.parquet").read_bytes())
        listed.append({"file": f"cell=calm/{name}.parquet", "sha256": digest, "rows": 3 * count, "paths": count})
    entry = {"steps": 2, "step_size": 0.5, "chunks": listed}
    (tmp_path / DATASET_MANIFEST).write_bytes(sealed({"cells": {"calm": entry}}))
    return tmp_path


def test_load_joins_the_chunks_in_the_order_of_the_manifest(dataset):
    paths = load(dataset, cell="calm")
    assert cells(dataset) == ("calm",)
    assert paths.log_price[:, :, 0].tolist() == [[0, 1, 2], [0, 3, 4], [0, 5, 6]]
    assert paths.times.tolist() == [[0.0, 0.5, 1.0]] * 3
    assert paths.regime.tolist() == [[0, 2]] * 3
    assert paths.jumps.tolist() == [[1, 0]] * 3
    assert paths.log_volatility.shape == (3, 3, 0)


def test_chunks_stream_one_file_at_a_time(dataset):
    assert [chunk.log_price.shape for chunk in chunks(dataset, cell="calm")] == [(2, 3, 1), (1, 3, 1)]


def test_a_file_that_no_manifest_lists_is_not_read(dataset):
    (dataset / "cell=calm" / "c.parquet").write_bytes((dataset / "cell=calm" / "b.parquet").read_bytes())
    assert load(dataset, cell="calm").times.shape == (3, 3)


def test_plain_pandas_reads_the_folder(dataset):
    frame = pd.read_parquet(dataset)  # the manifest beside the data must not be in the way
    assert len(frame) == 9
    assert frame["cell"].unique().tolist() == ["calm"]


def test_unknown_cell_names_the_nearest(dataset):
    with pytest.raises(ScenarioError, match=r"no cell 'clam'; did you mean 'calm'\?"):
        load(dataset, cell="clam")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "b.parquet: damaged"),
        (lambda path: path.unlink(), "b.parquet: cannot be read"),
    ],
)
def test_a_harmed_file_is_named(dataset, harm, message):
    harm(dataset / "cell=calm" / "b.parquet")
    with pytest.raises(ScenarioError, match=message):
        load(dataset, cell="calm")


def test_no_folder_and_no_manifest_say_what_makes_one(tmp_path):
    with pytest.raises(ScenarioError, match=r"no such folder; python sims/seb_plus\.py"):
        load(tmp_path / "none", cell="calm")
    with pytest.raises(ScenarioError, match=r"no such manifest; run the same"):
        load(tmp_path, cell="calm")


CHILD = """
import sys
from aurora_jax.scenarios import chunks, read_dataset
def resident():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
import aurora_jax
small = next(chunks(sys.argv[1], cell="calm")).log_price.sum()
before, paths, total = resident(), 0, 0.0
for chunk in chunks(sys.argv[1], cell="calm"):
    paths, total = paths + chunk.log_price.shape[0], total + float(chunk.log_price[:, -1].sum())
print(paths, total, resident() - before)
"""


@pytest.mark.slow
def test_streaming_needs_a_chunk_of_memory_not_a_data_set(tmp_path):
    """128 files of 4 MiB are read by a child whose memory grows by less than a fifth of that."""
    folder = tmp_path / "cell=calm"
    folder.mkdir()
    paths, points = 256, 1025
    normals = np.random.default_rng(0)
    listed, ends = [], 0.0
    for number in range(128):
        prices = normals.normal(size=(paths, points, 3)).astype(np.float32)
        ends += float(prices[:, -1].sum(dtype=float))
        table = pa.table(
            {
                "path": np.repeat(np.arange(paths, dtype=np.int32), points),
                "step": np.tile(np.arange(points, dtype=np.int32), paths),
                **{f"log_price_{asset}": prices[:, :, asset].ravel() for asset in range(3)},
                "regime": np.zeros(paths * points, np.int8),
                "jumps": np.zeros(paths * points, np.int16),
            }
        )
        file = folder / f"{number}.parquet"
        pq.write_table(table, file)
        digest = sha256(file.read_bytes())
        listed.append({"file": f"cell=calm/{file.name}", "sha256": digest, "rows": paths * points, "paths": paths})
    entry = {"steps": points - 1, "step_size": 1.0, "chunks": listed}
    (tmp_path / DATASET_MANIFEST).write_bytes(sealed({"cells": {"calm": entry}}))
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size > 450 * 2**20
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    count, total, grown = done.stdout.split()
    assert int(count) == 128 * paths
    assert float(total) == pytest.approx(ends, abs=1.0)
    assert int(grown) < size / 5
