"""A whole training of the student in memory."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey
from .loss import LossParts, Windows
from .model import DSSM
from .train_records import TrainData, TrainSettings
from .trainer import Trainer


class TrainResult(NamedTuple):
    """The trained network and its losses: training at every step, validation at the start and at the checkpoints.

    `best_score` is the kept network's forecast of the validation windows.
    """

    network: DSSM
    losses: Float[Array, " steps"]
    validation_steps: tuple[int, ...]
    validation: tuple[LossParts, ...]
    best_score: float


def train(
    network: DSSM,
    key: PRNGKey,
    real: Windows,
    teacher: Windows,
    validation: Windows,
    settings: TrainSettings,
    *,
    validate_every: int = 50,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> TrainResult:
    """Train by AdamW with clipped gradients; keep the weights that forecast validation best, see `Trainer.validate`.

    Args:
        network: where to start.
        key: parent of the streams used here.
        real: real training windows.
        teacher: simulated windows.
        validation: real windows, only scored.
        settings: see `TrainSettings`.
        validate_every: steps between validations.
        on_step: called with the step and its loss, for a progress bar.

    Raises:
        ValueError: if a setting is out of range or there are no windows.
        FloatingPointError: if the loss stops being finite; names the step.
    """
    trainer = Trainer(network, key, TrainData(real, teacher, validation), settings)
    state, losses, at = trainer.init(), [], [0]
    scores = [jax.tree.map(np.asarray, trainer.score(state.parameters))]
    while not trainer.finished(state):
        step = int(state.step)
        state, info = trainer.step(state)
        losses.append(float(info.loss))
        if not info.finite:
            raise FloatingPointError(f"student loss became {losses[-1]} at step {step}: lower the learning rate.")
        on_step(step, losses[-1])
        if (step + 1) % validate_every == 0 or step + 1 == trainer.steps:
            scores.append(jax.tree.map(np.asarray, trainer.score(state.parameters)))
            state, _ = trainer.validate(state)
            at.append(step + 1)
    return TrainResult(
        trainer.model(state.best), jnp.asarray(losses), tuple(at), tuple(scores), float(state.best_score)
    )
