"""Fitting the teacher to a real market."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..teacher import (
    NFSDE,
    CrossSection,
    TeacherData,
    VolatilityMeasure,
    cross_sectional_log_volatility,
    fit,
    initial_model,
    teacher_data,
)
from .labels import label_blocks


class TaughtTeacher(NamedTuple):
    """A fitted teacher with its losses (nats per bar) and the score of the held-out blocks."""

    model: NFSDE
    losses: Float[Array, " steps"]
    held_out: float
    held_out_before: float


def teach(
    key: PRNGKey,
    training: Float[np.ndarray, "bars assets"],
    held_out: Float[np.ndarray, "more_bars assets"],
    *,
    block_bars: int,
    steps: int,
    learning_rate: float,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> TaughtTeacher:
    """Label blocks by BIC, start from the market's moments, and fit by gradient descent.

    Args:
        key: parent of the streams used here.
        training: log returns per bar.
        held_out: later log returns, only scored.
        block_bars: bars per regime block.
        steps: gradient steps.
        learning_rate: at the start.
        on_step: called with the step and its loss.
    """
    data, reading = _blocks(training, block_bars)
    later, _ = _blocks(held_out, block_bars, reading.cross_section)
    returns = jnp.asarray(training, jnp.float32)
    # Returns divided by their bar's volatility have the covariance that L(z) stands for.
    calm = returns * jnp.exp(-jnp.sum(reading.log_volatility, axis=1, keepdims=True))
    scale = jnp.mean(returns**2) / jnp.mean(calm**2)
    covariance = calm.T @ calm / returns.shape[0] * jnp.minimum(scale, 1.5)
    start = initial_model(stream(key, "model"), mean_return=jnp.mean(returns, axis=0), covariance=covariance)
    result = fit(start, data, later, steps=steps, learning_rate=learning_rate, on_step=on_step)
    return TaughtTeacher(result.model, result.losses, float(result.held_out), float(result.held_out_before))


def _blocks(
    returns: Float[np.ndarray, "bars assets"], block_bars: int, cross_section: CrossSection | None = None
) -> tuple[TeacherData, VolatilityMeasure]:
    """Label and cut all whole blocks that have one more bar after them, in the units of `cross_section`."""
    labels = label_blocks(returns[:-1], block_bars=block_bars)
    single = jnp.asarray(returns, jnp.float32)
    reading = cross_sectional_log_volatility(single, cross_section)
    return teacher_data(single, reading, labels.regime, block_bars=block_bars), reading
