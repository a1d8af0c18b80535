"""What fits and what does not, by hand."""

import pytest

from aurora_jax.farm import FarmError, machine_memory_bytes, plan, refuse_oversized, size_of
from aurora_jax.teacher import reference_teacher
from tests.farm.conftest import EXAMS, catalogue

MIB = 2**20


def test_the_lowest_limit_counts_and_none_is_no_limit(tmp_path):
    machine = machine_memory_bytes([tmp_path / "absent"])
    assert machine > 256 * MIB
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "low").write_text(f"{256 * MIB}\n")
    (tmp_path / "high").write_text(f"{2**63}\n")
    assert machine_memory_bytes([tmp_path / "max", tmp_path / "high"]) == machine
    assert machine_memory_bytes([tmp_path / "max", tmp_path / "low"]) == 256 * MIB


def test_what_does_not_fit_is_refused_with_the_numbers_and_a_remedy_that_works():
    # 1,000 paths of 257 points and 2 assets, of 80 bytes each, beside a process of 1 GiB: 1,114,861,824 bytes.
    cells = {"fgn": {**EXAMS["fgn"], "paths": 1000}}
    specs = plan(catalogue(cells=cells, shard_paths=1000))
    needed = 2**30 + 1000 * 257 * 2 * 80
    assert size_of(specs[0], None).memory_bytes == needed
    refuse_oversized(specs, None, available_bytes=needed)
    available = 2**30 + 601 * 257 * 2 * 80 - 1
    with pytest.raises(FarmError, match="shard_paths to 600 or fewer") as refusal:
        refuse_oversized(specs, None, available_bytes=available)
    assert f"{needed:,} bytes" in str(refusal.value)
    assert f"{available:,} are available" in str(refusal.value)
    refuse_oversized(plan(catalogue(cells=cells, shard_paths=600)), None, available_bytes=available)
    with pytest.raises(FarmError, match="use fewer --workers"):
        refuse_oversized(specs, None, available_bytes=2**29)
    refuse_oversized([], None, available_bytes=0)


def test_the_dense_noise_of_long_paths_counts_and_is_refused_with_the_number():
    """16,384 steps, one factor: 30 matrices of 2 GiB, beside a process of 1 GiB and 16,385 rows of 4 values."""
    cell = {"family": "baseline", "regimes": ["AR"], "block_steps": 16_384, "paths": 1}
    teacher = reference_teacher(3)
    (spec,) = plan(catalogue(cells={"long": cell}), teacher=teacher)
    needed = 61 * 2**30 + 16_385 * 4 * 80
    assert size_of(spec, teacher).memory_bytes == needed
    with pytest.raises(FarmError, match=rf"'long' needs about {needed:,} bytes.*use fewer --workers, or fewer steps"):
        refuse_oversized([spec], teacher, available_bytes=32 * 2**30)


def test_ground_truth_of_that_length_has_no_dense_noise():
    cell = {**EXAMS["fgn"], "regimes": ["AR"], "block_steps": 16_384, "paths": 1}
    (spec,) = plan(catalogue(cells={"long": cell}))
    assert size_of(spec, None).memory_bytes == 2**30 + 16_385 * 2 * 80
