"""The width of XLA's CPU thread pool."""

import os

THREADS = 8


def widen_thread_pool() -> None:
    """Give XLA's CPU pool at least `THREADS` threads, unless `NPROC` already says how many.

    On a machine with two cores the default pool has two threads, and two batched LAPACK calls (e.g. `cholesky` of 2,000
    matrices each) that one graph runs at once wait for each other for ever: reproduced with jax 0.10.2 in two runs of
    three, never with one thread or with eight. A stated width also makes results independent of the number of cores.
    XLA reads the variable when its first device is made, so this runs when `aurora_jax` is imported.
    """
    os.environ.setdefault("NPROC", str(THREADS))
