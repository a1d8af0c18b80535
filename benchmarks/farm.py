"""The farm with two actors against a bare loop in one process on the same two cores."""

import functools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.config import parse_config
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.farm import ChunkSpec, Receipt, plan, run_chunk, simulate_chunk
from aurora_jax.farm.chunk import parquet_bytes
from aurora_jax.farm.jump_counts import jump_dispersion, jump_rate
from aurora_jax.farm.plan import MEASURED_AT
from aurora_jax.farm.store import write_atomically
from aurora_jax.invariants import measure
from aurora_jax.scenarios import sha256, to_table
from aurora_jax.teacher import NFSDE, reference_teacher

from .record import Contest, Timing, timed

PATHS, SHARD_PATHS, STEPS, ASSETS, WORKERS = 8192, 256, 512, 3, 2


def contests() -> Iterator[Contest]:
    """Make the same chunks by the farm, by a loop that does the same work, and by one that only simulates."""
    teacher = reference_teacher(ASSETS)
    specs = plan(_config(), teacher=teacher)
    with tempfile.TemporaryDirectory(prefix="farm") as folder:
        whole = _looped(specs, lambda spec: run_chunk(spec, teacher, Path(folder) / "loop"))
        bare = _looped(specs, lambda spec: jax.block_until_ready(simulate_chunk(spec, teacher)))
        ours = _farmed(specs, teacher, Path(folder) / "farm")
        same = all((Path(folder) / "loop" / s.file).read_bytes() == (Path(folder) / "farm" / s.file).read_bytes()
                   for s in specs)  # fmt: skip
    yield Contest(
        what=f"{PATHS} paths x {STEPS} steps, {ASSETS} assets, {WORKERS} actors of one core",
        unit="path-steps",
        work=float(SHARD_PATHS * STEPS),
        ours=ours,
        peers={"one process, two cores: the same chunks": whole, "... simulated and measured, not written": bare},
        target="peer / ours >= 0.90",
        note="time a chunk, compilation excluded; the answer is chunks timed; files equal to the byte: "
        f"{'yes' if same else 'NO (threads differ in the last bit)'}",
        extra={"load_at_end": os.getloadavg()[0]},
    )
    with tempfile.TemporaryDirectory(prefix="farm") as folder:
        yield Contest(
            what=f"profile: a chunk of {SHARD_PATHS} paths x {STEPS} steps, {ASSETS} assets, one process",
            unit="path-steps",
            work=float(SHARD_PATHS * STEPS),
            ours=timed(lambda: run_chunk(specs[0], teacher, Path(folder)), answer=lambda receipt: receipt.bytes),
            peers=_parts(specs[0], teacher, Path(folder)),
            note="each part alone: a peer / ours is its share; the answers are bytes, of paths the deviation of a log "
            "return, of measures the mean extremal index",
        )


def _parts(spec: ChunkSpec, teacher: NFSDE, folder: Path) -> dict[str, Timing | str]:
    """Time what a chunk is made of, each part alone."""
    paths, _ = simulate_chunk(spec, teacher)
    table = to_table(paths, first_path=0)
    data = parquet_bytes(table)

    @jax.jit
    def measured(log_price, jumps):
        returns = jnp.diff(log_price.astype(jnp.float64), axis=1)
        counts = jax.vmap(jump_rate)(jumps), jax.vmap(jump_dispersion)(jumps)
        return jax.vmap(functools.partial(measure, **MEASURED_AT))(returns), counts

    def written() -> int:
        write_atomically(folder / "profile.parquet", data)
        write_atomically(folder / "profile.json", sha256(data).encode())
        return len(data)

    return {
        "simulate and measure": timed(
            lambda: simulate_chunk(spec, teacher), answer=lambda out: np.diff(out[0].log_price, axis=1).std()
        ),
        "  of it measuring": timed(
            lambda: measured(paths.log_price, paths.jumps), answer=lambda out: np.mean(out[0].extremal_index.value)
        ),
        "rows of the table": timed(lambda: to_table(paths, first_path=0), answer=lambda out: out.nbytes),
        "Parquet, compressed": timed(lambda: parquet_bytes(table), answer=len),
        "digest, two files on disk": timed(written, answer=lambda count: count),
    }


def _config() -> SebPlusConfig:
    cell = {"family": "baseline", "regimes": ["AR", "ARMA", "GARCH", "AR"], "block_steps": STEPS // 4, "paths": PATHS}
    return parse_config(SebPlusConfig, {"seed": 1, "shard_paths": SHARD_PATHS, "cells": {"baseline": cell}}, source="")


def _looped(specs: tuple[ChunkSpec, ...], make) -> Timing:
    make(specs[0])
    times = []
    for spec in specs[1:]:
        started = time.perf_counter()
        make(spec)
        times.append(time.perf_counter() - started)
    return Timing(float(np.mean(times)), float(len(times)), max(times) / min(times))


def _farmed(specs: tuple[ChunkSpec, ...], teacher: NFSDE, out: Path) -> Timing:
    """Time the farm from when both actors have compiled until the last chunk is there."""
    from sims.pool import connected, run_chunks  # ray is imported only where it is measured

    arrived: list[tuple[float, Receipt]] = []
    with connected("local", workers=WORKERS, threads=1) as workers:
        for receipt in run_chunks(specs, teacher, out, workers=workers, threads=1):
            arrived.append((time.perf_counter(), receipt))
    compiling = sorted(arrived, key=lambda item: -item[1].simulate_s)[:WORKERS]
    start = max(moment for moment, _ in compiling)
    later = [moment for moment, _ in arrived if moment > start]
    steady = [receipt.simulate_s + receipt.write_s for moment, receipt in arrived if moment > start]
    seconds = (later[-1] - start) / len(later)
    print(f"an actor's chunk: {statistics.mean(steady):.3f} s, of it writing "
          f"{statistics.mean(r.write_s for m, r in arrived if m > start):.3f} s")  # fmt: skip
    return Timing(seconds, float(len(later)), max(steady) / min(steady))
