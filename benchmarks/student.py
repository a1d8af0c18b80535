"""The student online and as a generator: one bar at a time, and a fan of paths."""

import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from flax import nnx

from aurora_jax.student import DSSM, Student, bind, fit_trailing, generate

from .record import Contest, Timing, bar_times, timed

FEATURES, CALLS = 15, 3000
FAN_PATHS, FAN_BARS, FAN_ASSETS = 1024, 20, 8


def contests() -> Iterator[Contest]:
    """Step with quantiles for one asset and for twenty, and simulate a fan."""
    for assets in (1, 20):
        yield _stepping(assets)
    yield _fan()


def _student(assets: int) -> Student:
    returns = 0.01 * np.random.default_rng(0).standard_t(4, (500, assets))
    return bind(DSSM(FEATURES, rngs=nnx.Rngs(0)), fit_trailing(jnp.asarray(returns)))


def _stepping(assets: int) -> Contest:
    student, traces = _student(assets), []
    rng = np.random.default_rng(1)
    features = rng.standard_normal((CALLS, assets, FEATURES)).astype(np.float32)
    returns = 0.01 * rng.standard_t(4, (CALLS, assets))

    @jax.jit
    def step(student, state, features, returns):
        traces.append(1)  # runs only while tracing
        return student.step(state, features, returns)

    def walk() -> tuple[np.ndarray, float]:
        state, seconds, total = student.init(), np.empty(CALLS), 0.0
        for place in range(CALLS):
            started = time.perf_counter()
            state, info = jax.block_until_ready(step(student, state, features[place], returns[place]))
            quantiles = np.asarray(info.forecast.quantiles)  # on the host, where a caller would read it
            seconds[place] = time.perf_counter() - started
            total += float(quantiles[0, 0])
        return seconds, total / CALLS

    walk()
    seconds, answer = walk()
    return Contest(
        what=f"student step with quantiles, {assets} asset{'s' if assets > 1 else ''}, {FEATURES} features",
        unit="bars",
        work=1.0,
        ours=Timing(float(np.median(seconds)), answer, float(seconds.max() / seconds.min())),
        peers={},
        target="p99 <= 1 ms on one core",
        note=f"{CALLS:,} bars one after another after as many to warm up; the answer is the mean 5 % quantile of the "
        "first asset",
        extra=bar_times(seconds, len(traces)),
    )


def _fan() -> Contest:
    student = _student(FAN_ASSETS)
    network = nnx.merge(student.structure, student.weights)
    rest = jnp.zeros((FAN_ASSETS, network.latent), jnp.float32)
    keys = jr.split(jr.key(0), FAN_PATHS)

    def fan(trailing) -> Callable[[], jax.Array]:
        run = jax.jit(jax.vmap(lambda key: generate(network, trailing, key, rest, bars=FAN_BARS)))
        return lambda: run(keys)

    def deviation(paths) -> float:
        return float(jnp.std(paths))

    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), student.trailing)
    return Contest(
        what=f"fan of {FAN_PATHS:,} paths x {FAN_BARS} bars x {FAN_ASSETS} assets",
        unit="path-bars",
        work=float(FAN_PATHS * FAN_BARS),
        ours=timed(fan(single), answer=deviation),
        peers={"the same in double precision": timed(fan(student.trailing), answer=deviation)},
        target="<= 50 ms",
        note="the answer is the standard deviation of a log return",
    )
