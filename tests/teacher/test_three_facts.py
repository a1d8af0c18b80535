"""Clusters, joint extremes and heavy tails survive far out, and do not where the part that makes them is taken out.

The three facts of the specification, section 3.2: each naive version fails.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.teacher import Ablation, initial_model, initial_state, shocked, simulate

pytestmark = [pytest.mark.slow, pytest.mark.stat]

_PATHS, _STEPS, _RUN = 1500, 256, 30
_QUANTILE = 0.999


@pytest.fixture(scope="module")
def teacher():
    """Two assets without correlation, so that only jumps can bring them down together; jumps on most days."""
    return initial_model(
        jax.random.key(0),
        mean_return=jnp.zeros(2, jnp.float32),
        covariance=1e-4 * jnp.eye(2, dtype=jnp.float32),
        jumps={
            "intensity_per_bar": 0.3,
            "branching_ratio": 0.5,
            "degrees_of_freedom": 3.0,
            "renewal_rate": 0.05,
            "scale": 2.0,
            "mean": -0.01,
            "contagion": 0.01,
        },
        volatility_of_volatility=0.02,
    )


@pytest.fixture(scope="module")
def losses():
    """Losses [paths, steps, assets] of a model; cached by compilation alone."""

    @jax.jit
    def run(model, key):
        keys = jax.random.split(key, _PATHS)
        paths = jax.vmap(lambda k: simulate(model, k, initial_state(model), jnp.array([0]), steps=_STEPS))(keys)
        return -jnp.diff(paths.log_price, axis=1)

    return lambda model, name: np.asarray(run(model, stream(jax.random.key(8), name)), float)


def _extremal_index(loss):
    """Share of exceedances that no other follows within 30 bars, and its standard error over paths."""
    over = loss > np.quantile(loss, _QUANTILE)
    followed = np.stack([over[:, i + 1 : i + 1 + _RUN].any(axis=1) for i in range(_STEPS - _RUN)], axis=1)
    first = over[:, : _STEPS - _RUN]
    counts, alone = first.sum(axis=1), (first & ~followed).sum(axis=1)
    value = alone.sum() / counts.sum()
    return value, np.sqrt(np.sum((alone - value * counts) ** 2)) / counts.sum()


def _dependence(loss):
    """P(second beyond its level | first beyond its own), and its binomial standard error."""
    first, second = (loss[:, :, i].ravel() for i in range(2))
    beyond = first > np.quantile(first, _QUANTILE)
    share = np.mean(second[beyond] > np.quantile(second, _QUANTILE))
    return share, np.sqrt(max(share * (1.0 - share), 1e-3) / beyond.sum())


def test_a_held_scale_keeps_clusters_that_independent_heavy_marks_lose(teacher, losses):
    """Self-excitation is the same in both; only how long the heavy scale lasts differs."""
    held, error = _extremal_index(losses(teacher, "held")[:, :, 0])
    naive, other = _extremal_index(losses(shocked(teacher, scale_persistence_bars=0.201), "naive")[:, :, 0])
    assert held < 0.8
    assert naive > 0.85
    assert naive - held > 4.0 * np.hypot(error, other)


def test_shared_scale_and_times_keep_joint_extremes_that_independent_ones_lose(teacher, losses):
    """The naive market: each asset from a path of its own, with the same margins."""
    shared = losses(teacher, "shared")
    share, error = _dependence(shared)
    other = losses(teacher, "other")
    naive, _ = _dependence(np.stack([shared[:, :, 0], other[:, :, 1]], axis=2))
    assert share - 4.0 * error > 0.03
    assert naive < 0.02


def test_marks_make_the_heavy_tail_that_gaussian_noise_through_a_network_cannot(teacher, losses):
    """Hill's estimate far out: near 1/3 with jumps; without them that of noise whose volatility is all but constant."""

    def hill(loss):
        largest = np.sort(loss[:, :, 0].ravel())[-400:]
        return np.mean(np.log(largest[1:] / largest[0]))

    heavy = hill(losses(teacher, "heavy"))
    light = hill(losses(dataclasses.replace(teacher, ablation=Ablation(no_jumps=True)), "light"))
    assert abs(heavy - 1.0 / 3.0) < 0.12
    assert light < 0.15
