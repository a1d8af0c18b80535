"""`python -m benchmarks`: each answer stored beside its time, peers in the same run."""

import json
import statistics
import time
from pathlib import Path

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import aurora_jax
from aurora_jax.certification import dro_es

RESULTS = Path("runs/benchmarks.json")


def seconds(function, *, repeats):
    """Return the median time of a warmed-up call."""
    jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def worst_case_shortfall(scenarios, assets):
    """Allocate by `dro_es` and by cvxpy with Clarabel on the same data."""
    table = 0.01 * np.random.default_rng(0).standard_t(4, (scenarios, assets))
    p, radius = 0.05, 1e-4
    rows = jnp.asarray(table)
    ours = jax.jit(lambda x: dro_es(x, tail_probability=p, radius=radius, lower=-0.2, upper=0.5))
    w, t, excess = cp.Variable(assets), cp.Variable(), cp.Variable(scenarios, nonneg=True)
    objective = t + cp.sum(excess) / (p * scenarios) + radius / p * cp.norm(w, 2)
    limits = [excess >= -table @ w - t, cp.sum(w) == 1, w >= -0.2, w <= 0.5]
    problem = cp.Problem(cp.Minimize(objective), limits)
    own = seconds(lambda: ours(rows), repeats=20)
    peer = seconds(lambda: problem.solve(solver=cp.CLARABEL), repeats=3)
    found = ours(rows)
    return {
        "what": f"dro_es {scenarios} x {assets}",
        "answer": float(found.worst_case_es),
        "peer_answer": float(problem.value),
        "duality_gap": float(found.duality_gap),
        "milliseconds": 1e3 * own,
        "peer": "cvxpy + Clarabel",
        "peer_milliseconds": 1e3 * peer,
        "ratio": peer / own,
    }


def main():
    aurora_jax.enable_x64()
    rows = [worst_case_shortfall(n, d) for n, d in ((512, 10), (2048, 50))]
    table = Table(title="benchmarks")
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(f"{value:.6g}" if isinstance(value, float) else value for value in row.values()))
    Console(width=160).print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
