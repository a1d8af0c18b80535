import asyncio
import threading

import pytest

from aurora_jax.serving import Refusal
from aurora_jax.serving.worker import Worker


class Gate:
    """Work that waits until it is let through, and tells what was done."""

    def __init__(self):
        self.open, self.begun, self.done = threading.Event(), threading.Event(), []

    def pass_through(self, name):
        self.begun.set()
        assert self.open.wait(10.0)
        self.done.append(name)
        return name


@pytest.fixture
def gate():
    return Gate()


def worker(**options) -> Worker:
    return Worker(**{"max_waiting": 2, "timeout_s": 10.0, **options})


async def queued(worker, gate, *names):
    tasks = [asyncio.create_task(worker.run(gate.pass_through, name)) for name in names]
    await asyncio.get_running_loop().run_in_executor(None, gate.begun.wait, 10.0)
    return tasks


def test_tasks_are_done_in_the_order_they_came_on_one_thread(gate):
    async def scenario():
        one = worker(max_waiting=8)
        tasks = await queued(one, gate, "a", "b", "c")
        gate.open.set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        threads = {await one.run(threading.get_ident) for _ in range(3)}
        assert len(threads) == 1
        assert threads != {threading.get_ident()}
        one.stop(lambda: None)

    asyncio.run(scenario())
    assert gate.done == ["a", "b", "c"]


def test_one_too_many_is_told_to_come_back(gate):
    async def scenario():
        one = worker(max_waiting=2)
        tasks = await queued(one, gate, "a", "b")
        with pytest.raises(Refusal, match="2 requests are waiting already; send the same request again") as caught:
            await one.run(gate.pass_through, "c")
        assert caught.value.status == 503
        gate.open.set()
        await asyncio.gather(*tasks)
        assert await one.run(gate.pass_through, "d") == "d"  # there is room again
        one.stop(lambda: None)

    asyncio.run(scenario())
    assert gate.done == ["a", "b", "d"]


def test_what_was_begun_or_queued_is_done_though_the_client_has_gone(gate):
    async def scenario():
        one = worker()
        tasks = await queued(one, gate, "begun", "queued")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gate.open.set()
        one.stop(lambda: None)

    asyncio.run(scenario())
    assert gate.done == ["begun", "queued"]


def test_an_answer_that_takes_too_long_is_still_taken(gate):
    async def scenario():
        one = worker(timeout_s=0.05)
        with pytest.raises(Refusal, match=r"no answer within 0\.05 s; send the same request again"):
            await one.run(gate.pass_through, "slow")
        gate.open.set()
        one.stop(lambda: None)

    asyncio.run(scenario())
    assert gate.done == ["slow"]


def test_an_error_reaches_the_one_who_asked_and_nobody_else():
    def fails():
        raise ValueError("no")

    async def scenario():
        one = worker()
        with pytest.raises(ValueError, match="no"):
            await one.run(fails)
        assert await one.run(lambda: 1) == 1
        one.stop(lambda: None)

    asyncio.run(scenario())
