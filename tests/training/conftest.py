"""A tiny teacher and market, and trainings of it that walk instead of descending."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.teacher import TeacherData, Windows, initial_model, kernel_of, path_view
from aurora_jax.training import TrainData
from tests.training.walk import UPRIGHT, walking

BLOCKS, BARS = 4, 8


@pytest.fixture(scope="module")
def start():
    covariance, mean = jnp.full((1, 1), 2e-4, jnp.float32), jnp.zeros(1, jnp.float32)
    return initial_model(jax.random.key(0), mean_return=mean, covariance=covariance, embedding_size=1, width=2, depth=0)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)

    def blocks():
        reading = jnp.asarray(0.3 * rng.normal(size=(BLOCKS, BARS + 1, 1)), jnp.float32)
        returns = jnp.asarray(0.015 * rng.normal(size=(BLOCKS, BARS, 1)), jnp.float32)
        return TeacherData(returns, reading, 0.3 * reading, jnp.arange(BLOCKS) % 3, jnp.float32(0.1))

    training, held_out = blocks(), blocks()
    windows = Windows(training.returns, training.smooth_log_volatility[:, 0], training.regime)
    view = path_view(jax.random.key(1), training.returns.reshape(-1, 1), channels=1)
    return TrainData(training, held_out, windows, view, kernel_of(windows, view, depth=1))


@pytest.fixture
def walker(start, data, monkeypatch):
    """Return a function that makes a trainer of a walk."""
    return lambda walk=UPRIGHT, patience=8: walking(monkeypatch, start, data, walk, patience=patience)
