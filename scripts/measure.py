"""What is measured at the end: invariants of markets real and synthetic, and the fan of scenarios."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.config import QuickstartConfig
from aurora_jax.core import Estimate, Invariants, Outcome, PRNGKey, stream
from aurora_jax.data import MarketData, windows
from aurora_jax.invariants import measure
from aurora_jax.report import Fan
from aurora_jax.scenarios import load
from aurora_jax.student import generate
from aurora_jax.teacher import NFSDE, initial_state, simulate
from aurora_jax.training import Prepared
from scripts.learn import Distilled

MEASURE_BLOCKS = 8
MEASURE_BARS = 960  # longest window that invariants are measured over, real and synthetic alike
MEASURE_PATHS = 12
_WINDOWS_FOR_SPREAD = 8  # fewer windows do not tell the error of their mean; the estimators' own errors do


def fan_of(config: QuickstartConfig, scenarios: Path, test: MarketData) -> Fan:
    """Return equal-weight cumulative log returns: SEB+ baseline paths, and hold-out windows of the same length."""
    cells = [name for name, cell in config.scenarios.cells.items() if cell.family.value == "baseline"]
    simulated = np.concatenate([np.asarray(load(scenarios, cell=name).log_price, float) for name in cells])
    horizon = simulated.shape[1] - 1
    history = windows(test.log_returns(), length_bars=horizon, stride_bars=21)
    return Fan(
        simulated=np.cumsum(np.log(np.mean(np.exp(np.diff(simulated, axis=1)), axis=2)), axis=1),
        history=np.cumsum(np.log(np.mean(np.exp(np.asarray(history)), axis=2)), axis=1),
    )


def measure_all(
    key: PRNGKey, teacher: NFSDE, distilled: Distilled, prepared: Prepared, real: np.ndarray, regimes: np.ndarray
) -> dict[str, Invariants]:
    """Measure the invariants of hold-out history, teacher and student over windows of one length.

    Values are means over windows or paths, with the standard error of that mean: from their spread, or from the
    estimators' own errors where the windows are few. The teacher draws the regime of each block from the training
    years' labels.
    """
    network, bars = distilled.result.network, min(MEASURE_BARS, real.shape[0])
    steps = -(-bars // MEASURE_BLOCKS) * MEASURE_BLOCKS  # whole blocks; what is too long is cut off again
    blocks = jax.random.choice(stream(key, "regimes"), jnp.asarray(regimes), (MEASURE_PATHS, MEASURE_BLOCKS))
    keys = jax.random.split(stream(key, "teacher"), MEASURE_PATHS)
    start = initial_state(teacher)
    taught = jax.jit(
        lambda k, z: jax.lax.map(lambda one: simulate(teacher, one[0], start, one[1], steps=steps).log_price, (k, z))
    )(keys, blocks)
    latent = jnp.zeros((len(prepared.trailing.base_variance), network.latent), jnp.float32)
    learnt = jax.jit(jax.vmap(lambda k: generate(network, prepared.trailing, k, latent, bars=bars)))(
        jax.random.split(stream(key, "student"), MEASURE_PATHS)
    )
    count = real.shape[0] // bars
    history = jnp.asarray(real[-count * bars :].reshape(count, bars, -1))
    batches = {"real": history, "teacher": jnp.diff(taught.astype(float), axis=1)[:, :bars], "student": learnt}
    estimate = jax.jit(jax.vmap(measure))
    return {name: _mean_invariants(estimate(batch)) for name, batch in batches.items()}


def _mean_invariants(many: Invariants) -> Invariants:
    """Average estimates over windows; those that have an outcome other than OK are left out."""

    def mean(estimate: Estimate) -> Estimate:
        good = np.asarray(estimate.outcome) == int(Outcome.OK)
        values, errors = (np.asarray(leaf)[good] for leaf in (estimate.value, estimate.standard_error))
        if values.size == 0:
            return jax.tree.map(lambda leaf: leaf[0], estimate)
        spread = np.std(values, ddof=1) / np.sqrt(values.size) if values.size >= _WINDOWS_FOR_SPREAD else None
        error = np.sqrt(np.sum(errors**2)) / values.size if spread is None else spread
        return Estimate(jnp.asarray(values.mean()), jnp.asarray(error), jnp.asarray(int(Outcome.OK)))

    return Invariants(*(mean(estimate) for estimate in many))
