"""Self-exciting events against tick and sparklen, on the same law."""

import warnings
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from aurora_jax.stochastic import Hawkes

from .record import Contest, Timing, peer, timed

PATHS, HORIZON, PLACES = 4096, 100.0, 1000
BASELINE, BRANCHING, DECAY = 1.0, 0.8, 2.0
PEER_PATHS = 512


def contests() -> Iterator[Contest]:
    """Simulate the same law, 490 events a path on average."""
    with jax.enable_x64(False):
        yield _contest("float32", target=">= 12 M events/s; >= 1.0 x tick, sparklen")
    yield _contest("float64", target="")


def _contest(dtype: str, *, target: str) -> Contest:
    process = Hawkes(BASELINE, BRANCHING, DECAY)
    keys = jr.split(jr.key(0), PATHS)
    ours = jax.jit(jax.vmap(lambda key: process.events(key, horizon=HORIZON, max_events=PLACES)))
    found = ours(keys)
    events = float(jnp.sum(found.count))
    return Contest(
        what=f"Hawkes, {PATHS} paths to {HORIZON:g}, {dtype}",
        unit="events",
        work=events,
        ours=timed(lambda: ours(keys), answer=lambda path: jnp.mean(path.count), repeats=7),
        peers={
            "tick, one core": peer(partial(_tick, events)),
            "sparklen (Python)": peer(partial(_sparklen, events)),
        },
        target=target,
        note="the answer is the mean number of events a path, 490.0 in closed form; a peer's time is that of as many "
        f"events as ours drew, scaled from {PEER_PATHS} paths (sparklen {PEER_PATHS // 8})",
        extra={"share_of_paths_cut_off": float(jnp.mean(found.overflowed))},
    )


def _scaled(timing: Timing, drawn: float, events: float) -> Timing:
    return Timing(timing.seconds * events / drawn, timing.answer, timing.spread)


def _tick(events: float) -> Timing:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tick.hawkes import SimuHawkesExpKernels

    def run() -> np.ndarray:
        counts = np.empty(PEER_PATHS)
        for path in range(PEER_PATHS):
            process = SimuHawkesExpKernels(
                np.array([[BRANCHING]]),
                DECAY,
                baseline=np.array([BASELINE]),
                end_time=HORIZON,
                verbose=False,
                seed=path,
            )
            process.simulate()
            counts[path] = process.n_total_jumps
        return counts

    return _scaled(timed(run, answer=np.mean, repeats=3), float(np.sum(run())), events)


def _sparklen(events: float) -> Timing:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sparklen.hawkes.simulation import SimuHawkesExp

    def run() -> np.ndarray:
        process = SimuHawkesExp(
            np.array([BASELINE]), np.array([[BRANCHING]]), DECAY, HORIZON, PEER_PATHS // 8, random_state=0
        )
        process.simulate()
        return np.array([path[0].size for path in process.timestamps])

    return _scaled(timed(run, answer=np.mean, repeats=3), float(np.sum(run())), events)
