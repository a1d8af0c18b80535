"""Simulation-based calibration over several processes, and going on where it was stopped."""

import concurrent.futures
import functools
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from aurora_jax.config.posterior import PosteriorConfig, PriorsConfig, SamplerConfig
from aurora_jax.engine import canonical_json
from aurora_jax.report import picture
from aurora_jax.teacher.measure_range import LOG_RANGE_VARIANCE
from aurora_jax.training.posterior import PARAMETERS, Calibration, Replication, Uniformity, replicate, uniformity
from scripts.posterior_figures import rank_figure

# Shorter than for a real market: a rank among 99 draws needs no more, and what is proven is the model.
_SAMPLER = SamplerConfig(chains=2, warm_up=300, draws=250, target_acceptance=0.85, r_hat_below=1.1)


def prove(
    config: PosteriorConfig, out: Path, *, replications: int, bars: int, workers: int, console: Console
) -> dict[str, Uniformity]:
    """Do the replications, and leave ranks, tests and figure in `out`."""
    settings = {
        "seed": config.seed,
        "bars": bars,
        "error_variance": LOG_RANGE_VARIANCE,
        "priors": config.priors.model_dump(mode="json"),
        "sampler": _SAMPLER.model_dump(mode="json"),
    }
    columns = (TextColumn("markets"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("markets", total=replications)
        done = run_replications(
            settings,
            out,
            replications=replications,
            workers=workers,
            on_done=lambda count: progress.update(task, completed=count),
        )
    found = {
        name: uniformity(np.array([one.rank[name] for one in done]), np.array([one.score[name] for one in done]))
        for name in PARAMETERS
    }
    content = {
        "settings": settings,
        "replications": replications,
        "not_converged": sum(one.r_hat >= _SAMPLER.r_hat_below for one in done),
        "smallest_effective_size": min(min(one.effective_size.values()) for one in done),
        "parameters": {name: one._asdict() for name, one in found.items()},
    }
    (out / "sbc.json").write_bytes(canonical_json(content))
    (out / "ranks.png").write_bytes(picture(rank_figure(done, found), dots_per_inch=100).png)
    table = Table("", "chi-square", "p", "mean score", "deviation of score", title=f"Ranks of {replications} markets")
    for name, one in found.items():
        table.add_row(name, *(f"{value:.3f}" for value in one))
    console.print(table)
    console.print(f"ranks   {out / 'ranks.png'}", soft_wrap=True)
    return found


def run_replications(
    settings: dict, out: Path, *, replications: int, workers: int, on_done: Callable[[int], None]
) -> list[Replication]:
    """Return the replications 0 ... `replications` - 1, from `out`/replications.jsonl or else by doing them.

    Each depends on the seed and its number only, not on the workers.

    Args:
        settings: seed, bars, error_variance, priors and sampler, as plain values.
        out: folder, made if it lacks.
        replications: in all.
        workers: processes.
        on_done: called with the number of those that are there.

    Raises:
        ValueError: if `out` holds replications of other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / "replications.jsonl"
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    found = _read(file, digest)
    on_done(sum(number < replications for number in found))
    lacking = [number for number in range(replications) if number not in found]
    if lacking:
        os.environ.setdefault("NPROC", "1")  # one core a worker: XLA reads it when the worker starts
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(min(workers, len(lacking)), mp_context=context) as pool:
            tasks = {pool.submit(_one, settings, number): number for number in lacking}
            with file.open("a") as lines:
                for task in concurrent.futures.as_completed(tasks):
                    number, (replication, seconds) = tasks[task], task.result()
                    content = {"digest": digest, "number": number, "seconds": seconds, **replication._asdict()}
                    lines.write(json.dumps(content, sort_keys=True) + "\n")
                    lines.flush()
                    found[number] = replication
                    on_done(len(found))
    return [found[number] for number in range(replications)]


def _read(file: Path, digest: str) -> dict[int, Replication]:
    """Return what a file holds; a last line that a kill cut short is cut off."""
    found: dict[int, Replication] = {}
    if not file.exists():
        return found
    whole = file.read_text().rpartition("\n")[0]
    for line in whole.splitlines():
        content = json.loads(line)
        if content["digest"] != digest:
            raise ValueError(
                f"{file}: holds replications of other settings ({content['digest']}, not {digest}); choose another "
                f"folder with --out or delete it."
            )
        found[content["number"]] = Replication(**{name: content[name] for name in Replication._fields})
    file.write_text(whole + "\n" if whole else "")
    return found


@functools.cache
def _calibration(priors: str, sampler: str) -> Calibration:
    return Calibration(PriorsConfig.model_validate_json(priors), SamplerConfig.model_validate_json(sampler))


def _one(settings: dict, number: int) -> tuple[Replication, float]:
    from aurora_jax import enable_x64
    from aurora_jax.core import root_key, stream

    enable_x64()
    started = time.perf_counter()
    calibrate = _calibration(json.dumps(settings["priors"]), json.dumps(settings["sampler"]))
    replication = replicate(
        stream(root_key(settings["seed"]), "sbc", number),
        calibrate,
        PriorsConfig.model_validate(settings["priors"]),
        bars=settings["bars"],
        error_variance=settings["error_variance"],
    )
    return replication, time.perf_counter() - started
