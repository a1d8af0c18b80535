"""The page of a data set: its numbers against whole-array twins, and that it needs nothing else."""

import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from aurora_jax.core import Trajectories
from aurora_jax.report import dataset_page
from aurora_jax.report.cell_figure import cell_figure
from aurora_jax.report.cell_sketch import LOSS_LEVELS, sketch
from aurora_jax.scenarios import DATASET_MANIFEST, ScenarioError, sealed, sha256, to_table


def paths(prices):
    count, points, _ = prices.shape
    steps = (count, points - 1)
    empty = np.zeros((count, points, 0), np.float32)
    return Trajectories(np.zeros((count, points)), prices, empty, np.zeros(steps, int), np.zeros(steps, int))


@pytest.fixture(scope="module")
def prices():
    returns = 0.02 * np.random.default_rng(3).standard_t(3.0, size=(300, 200, 2))
    return np.pad(np.cumsum(returns, axis=1), ((0, 0), (1, 0), (0, 0))).astype(np.float32)


def test_a_sketch_of_chunks_is_that_of_the_whole(prices):
    pieces = [paths(prices[:7]), paths(prices[7:200]), paths(prices[200:])]
    found = sketch(iter(pieces), paths=300)
    losses = -np.diff(prices.astype(float), axis=1)
    assert (found.paths, found.losses) == (300, losses.size)
    assert found.mean == pytest.approx(losses.mean())
    assert found.deviation == pytest.approx(losses.std())
    assert found.exceedances.tolist() == [int((losses > level).sum()) for level in LOSS_LEVELS]
    assert (found.steps[0], found.steps[-1]) == (0, 200)
    np.testing.assert_allclose(found.fan, prices[:, found.steps].mean(axis=2), rtol=1e-6, atol=1e-7)


def test_of_many_paths_every_so_many_th_is_drawn_wherever_the_chunks_end():
    numbers = np.arange(20_000.0)[:, None, None] * np.array([0.0, 1.0])[None, :, None]
    pieces = [paths(part) for part in np.split(numbers, [1, 4, 5000, 5001, 12_345])]
    found = sketch(pieces, paths=20_000)
    assert found.fan[:, -1].tolist() == list(range(0, 20_000, 3))


def test_a_price_that_is_no_number_and_a_cell_without_chunks_are_refused(prices):
    with pytest.raises(ValueError, match="no chunk"):
        sketch([], paths=1)
    harmed = prices.copy()
    harmed[5, 7, 1] = np.nan
    with pytest.raises(ValueError, match="no numbers, from path 0 on"):
        sketch([paths(harmed)], paths=300)


def test_the_figure_shows_the_survival_and_the_gaussian_of_the_same_variance(prices):
    cell, calm = sketch([paths(prices)], paths=300), sketch([paths(0.5 * prices)], paths=300)
    _, tail = cell_figure(cell, baseline=calm).axes
    own, baseline, gaussian = tail.get_lines()
    assert [line.get_label() for line in tail.get_lines()] == ["this cell", "baseline", "Gaussian"]
    at = np.searchsorted(own.get_xdata(), 0.1)
    losses = -np.diff(prices.astype(float), axis=1)
    assert own.get_ydata()[at] == np.mean(losses > own.get_xdata()[at])
    assert np.all(baseline.get_ydata()[at:] <= own.get_ydata()[at : baseline.get_ydata().size])
    two = np.argmin(np.abs(gaussian.get_xdata() - (cell.mean + 2.0 * cell.deviation)))
    assert gaussian.get_ydata()[two] == pytest.approx(0.02275, rel=0.06)  # levels lie 4 % apart


@pytest.fixture(scope="module")
def folder(prices, tmp_path_factory):
    """Return a data set of a baseline and a stressed cell, the first in two files."""
    out = tmp_path_factory.mktemp("seb")
    entries = {}
    for name, family, bounds in (("base", "baseline", [(0, 100), (100, 300)]), ("a<b>", "heavy_tail", [(0, 300)])):
        listed = []
        for first, last in bounds:
            file = out / f"{family}-{first}.parquet"
            pq.write_table(to_table(paths(prices[first:last]), first_path=first), file)
            count = last - first
            digest = sha256(file.read_bytes())
            listed.append({"file": file.name, "sha256": digest, "rows": count * 201, "paths": count})
        report = {"asked": 0.5, "bounds": None, "measured": 0.491, "standard_error": 0.0123, "passed": True}
        miss = {"asked": None, "bounds": [0.35, None], "measured": 0.2, "standard_error": 0.01, "passed": False}
        none = {"asked": None, "bounds": None, "measured": None, "standard_error": None, "passed": None}
        entries[name] = {
            **{"steps": 200, "step_size": 1.0, "assets": 2, "paths": 300, "bytes": 2**20, "chunks": listed},
            **{"seed": 17, "teacher": "feed01", "measured_at": {"run_length": 5}, "versions": {"jax": "9.9"}},
            "config_digest": f"c0ffee{len(name)}",
            "description": {"family": family, "regimes": ["AR", "GARCH"]},
            "invariants": {"hurst": report, "tail_index": miss, "tail_dependence": none},
        }
    (out / DATASET_MANIFEST).write_bytes(sealed({"kind": "data set", "cells": entries}))
    return out


def test_the_page_says_what_was_asked_what_was_found_and_where_it_came_from(folder):
    seen = []
    page = dataset_page(folder, stamp="57a3b", progress=lambda *at: seen.append(at))
    assert [done for done, total, _ in seen if total == 3] == [1, 2, 3]
    assert "2 cells, 600 paths, 120,000 path-steps, 2.0 MiB" in page
    assert "2 pass and 2 miss (base: Tail index ξ; a&lt;b&gt;: Tail index ξ)" in page
    row = r"Hurst exponent H</th><td[^>]*>0\.500</td><td[^>]*>0\.491</td><td[^>]*>0\.0123</td><td[^>]*>pass"
    assert len(re.findall(row, page)) == 2
    assert len(re.findall(r"≥ 0\.35</td><td[^>]*>0\.200</td><td[^>]*>0\.0100</td><td[^>]*>miss", page)) == 2
    for said in ("cannot be had", "57a3b", "feed01", "9.9", "c0ffee4", "17"):
        assert said in page


def test_the_page_needs_nothing_else_and_repeats_to_the_byte(folder):
    page = dataset_page(folder, stamp="57a3b")
    assert page == dataset_page(folder, stamp="57a3b")
    assert "<b>" not in page
    assert "<script" not in page
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[^\"]*", "", page))
    assert len(re.findall(r'src="data:image/png;base64,', page)) == 2


def test_a_harmed_file_is_named(folder, tmp_path):
    harmed = shutil.copytree(folder, tmp_path / "seb")
    (harmed / "heavy_tail-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(ScenarioError, match=r"heavy_tail-0\.parquet: damaged"):
        dataset_page(harmed, stamp="")
