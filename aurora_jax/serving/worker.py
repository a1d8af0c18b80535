"""The one thread that decides, so that every stream has a single writer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from .refusal import not_ready

Result = TypeVar("Result")


class Worker:
    """The one thread that decides, with a bounded queue before it."""

    def __init__(self, *, max_waiting: int, timeout_s: float):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="aurora-engine")
        self._max_waiting, self._timeout_s, self._waiting = max_waiting, timeout_s, 0

    def submit(self, task: Callable[..., Result], *arguments: object) -> "Future[Result]":
        """Put a task at the end of the queue."""
        return self._pool.submit(task, *arguments)

    async def run(self, task: Callable[..., Result], *arguments: object) -> Result:
        """Run a task on the thread; once queued it is done even if the client has gone.

        Raises:
            Refusal: 503, if the queue is full or the answer does not come in time.
        """
        if self._waiting >= self._max_waiting:
            raise not_ready(f"{self._waiting} requests are waiting already; send the same request again.")
        self._waiting += 1
        future = asyncio.wrap_future(self.submit(task, *arguments))
        future.add_done_callback(self._done)
        try:
            # Shielded: what was begun must be journalled and committed, whoever still listens.
            return await asyncio.wait_for(asyncio.shield(future), self._timeout_s)
        except TimeoutError:
            raise not_ready(
                f"no answer within {self._timeout_s:g} s; send the same request again to have it."
            ) from None

    def stop(self, last: Callable[[], None]) -> None:
        """Do what is queued, then `last`, then end the thread."""
        self.submit(last)
        self._pool.shutdown(wait=True)

    def _done(self, future: asyncio.Future) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # seen: a client that left hears of no error
