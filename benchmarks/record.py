"""How a benchmark is run and what it leaves: an answer beside each time, peers in the same run."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jax
import numpy as np


@dataclass(frozen=True)
class Timing:
    """One contender's median time and its answer.

    Attributes:
        seconds: median wall time of a warmed-up call.
        answer: one number by which a reader can tell that the contenders did the same work.
        spread: largest over smallest time; far from 1 the machine was busy.
    """

    seconds: float
    answer: float
    spread: float


@dataclass(frozen=True)
class Contest:
    """The same work done by us and by peers.

    Attributes:
        what: the work, with its sizes.
        unit: what is counted, e.g. "points".
        work: how many of them one call does.
        ours: our timing.
        peers: by name; a peer that is not installed holds the reason.
        target: what the specification asks, in words, or "".
        note: what a reader must know to judge the numbers.
        extra: further measured numbers, e.g. a duality gap or peak memory.
    """

    what: str
    unit: str
    work: float
    ours: Timing
    peers: Mapping[str, Timing | str]
    target: str = ""
    note: str = ""
    extra: Mapping[str, float] = field(default_factory=dict)


def timed(function: Callable[[], object], *, answer: Callable[[object], float], repeats: int = 15) -> Timing:
    """Time `function`, warmed up by two calls and blocked until its result is there."""
    jax.block_until_ready(function())
    result = jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - started)
    return Timing(statistics.median(times), float(np.asarray(answer(result))), max(times) / min(times))


def bar_times(seconds: np.ndarray, traces: int) -> dict[str, float]:
    """Return the percentiles of single bars' times, and how often their function was traced."""
    told = zip(("p50_ms", "p99_ms", "p99.9_ms"), 1e3 * np.quantile(seconds, [0.5, 0.99, 0.999]), strict=True)
    return {**{name: float(value) for name, value in told}, "traces": float(traces)}


def peer(build: Callable[[], Timing]) -> Timing | str:
    """Run a peer's contest, or say which package is missing (`pip install 'aurora-jax[peers]'`)."""
    try:
        return build()
    except ImportError as missing:
        return f"not installed: {missing.name}"
