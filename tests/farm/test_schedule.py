import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.farm import Schedule, plan
from tests.farm.conftest import EXAMS, catalogue


def chunks(**shards):
    cells = {name: {**EXAMS["fgn"], "paths": 5 * count} for name, count in shards.items()}
    return plan(catalogue(cells=cells))


def test_a_worker_stays_with_its_cell_and_then_helps_where_most_is_left():
    schedule = Schedule(chunks(a=2, b=5))
    assert [schedule.take("one").cell.name for _ in range(2)] == ["b", "b"]
    assert [schedule.take("two").cell.name for _ in range(3)] == ["a", "a", "b"]
    assert [schedule.take("one").shard, schedule.take("two").shard] == [3, 4]
    assert not schedule
    with pytest.raises(IndexError, match="no chunk is left"):
        schedule.take("one")


def test_a_chunk_given_back_is_the_next_of_its_cell_for_whoever_asks():
    schedule = Schedule(chunks(a=2))
    first, _ = schedule.take("dead"), schedule.take("alive")
    assert not schedule
    schedule.give_back(first)
    assert schedule.take("alive") == first
    assert not schedule


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_every_chunk_is_handed_out_once_whoever_asks(workers):
    specs = chunks(a=3, b=1, c=2)
    schedule = Schedule(specs)
    taken = [schedule.take(worker) for worker in workers]
    assert sorted(spec.digest for spec in taken) == sorted(spec.digest for spec in specs)
    assert not schedule
