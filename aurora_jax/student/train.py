"""Training the student on real and teacher windows."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float

from ..core import PRNGKey, lenient, stream
from .loss import LossParts, Windows, student_loss
from .model import DSSM


class TrainResult(NamedTuple):
    """The trained network and its losses: training at every step, validation at the start and at the checkpoints."""

    network: DSSM
    losses: Float[Array, " steps"]
    validation_steps: tuple[int, ...]
    validation: tuple[LossParts, ...]


def train(
    network: DSSM,
    key: PRNGKey,
    real: Windows,
    teacher: Windows,
    validation: Windows,
    *,
    steps: int,
    batch_windows: int = 16,
    teacher_share: float = 0.5,
    learning_rate: float = 3e-3,
    jacobian_weight: float = 1e-3,
    divergence_weight: float = 0.1,
    validate_every: int = 50,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> TrainResult:
    """Train by AdamW with clipped gradients; keep the weights, the start's included, that predict validation best.

    Args:
        network: where to start.
        key: parent of the streams used here.
        real: real training windows.
        teacher: simulated windows.
        validation: real windows, only scored.
        steps: gradient steps.
        batch_windows: windows per step.
        teacher_share: share of each batch that is simulated, in [0, 1).
        learning_rate: peak; one-tenth warm-up, cosine fall to a twentieth.
        jacobian_weight: lambda_J.
        divergence_weight: weight of the Kullback-Leibler term.
        validate_every: steps between validations.
        on_step: called with the step and its loss, for a progress bar.

    Raises:
        ValueError: if `teacher_share` is outside [0, 1) or there are no windows.
        FloatingPointError: if the loss stops being finite; names the step.
    """
    if not 0.0 <= teacher_share < 1.0:
        raise ValueError(f"teacher_share must lie in [0, 1), was {teacher_share}.")
    if min(real.features.shape[0], validation.features.shape[0]) < 1:
        raise ValueError("training and validation need at least one real window each: use a longer history.")
    schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, max(steps // 10, 1), steps, learning_rate / 20)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-4))
    structure, weights = nnx.split(network)
    weights = nnx.to_pure_dict(weights)
    weigh = {"jacobian_weight": jacobian_weight, "divergence_weight": divergence_weight}

    def objective(weights, key, batch):
        return student_loss(nnx.merge(structure, weights), key, batch, **weigh)

    @jax.jit
    def advance(weights, state, key, batch):
        (loss, _), gradient = jax.value_and_grad(objective, has_aux=True)(weights, key, batch)
        with lenient():
            updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, loss

    evaluate = jax.jit(lambda weights, batch: objective(weights, stream(key, "validation"), batch)[1])
    batches = _batches(stream(key, "batches"), real, teacher, steps, batch_windows, teacher_share)
    # The start counts too: it forecasts by the scale law alone, and a network that does worse is not kept.
    state, best, losses, at = optimiser.init(weights), weights, [], [0]
    scores = [jax.tree.map(np.asarray, evaluate(weights, validation))]
    for step, batch in enumerate(batches):
        weights, state, loss = advance(weights, state, stream(key, "posterior", step), batch)
        losses.append(float(loss))
        if not np.isfinite(losses[-1]):
            raise FloatingPointError(f"student loss became {losses[-1]} at step {step}: lower the learning rate.")
        on_step(step, losses[-1])
        if (step + 1) % validate_every == 0 or step + 1 == steps:
            scores.append(jax.tree.map(np.asarray, evaluate(weights, validation)))
            at.append(step + 1)
            if scores[-1].prediction <= min(score.prediction for score in scores):
                best = weights
    return TrainResult(nnx.merge(structure, best), jnp.asarray(losses), tuple(at), tuple(scores))


def _batches(key: PRNGKey, real: Windows, teacher: Windows, steps: int, size: int, teacher_share: float):
    """Yield batches, each with the same mixture of real and simulated windows, drawn without regard to order."""
    simulated = min(round(size * teacher_share), teacher.features.shape[0])
    real, teacher = _alike(real, teacher)
    for step in range(steps):
        pick_real = jr.randint(stream(key, "real", step), (size - simulated,), 0, real.features.shape[0])
        batch = jax.tree.map(lambda leaf, i=pick_real: leaf[np.asarray(i)], real)
        if simulated:
            pick = np.asarray(jr.randint(stream(key, "teacher", step), (simulated,), 0, teacher.features.shape[0]))
            batch = jax.tree.map(lambda a, b, i=pick: np.concatenate([a, b[i]]), batch, teacher)
        yield batch


def _alike(real: Windows, teacher: Windows) -> tuple[Windows, Windows]:
    """Say of both kinds which bars were observed where one of them does; None stands for all."""
    if real.observed is None and teacher.observed is None:
        return real, teacher
    return _told(real), _told(teacher)


def _told(windows: Windows) -> Windows:
    if windows.observed is not None:
        return windows
    return windows._replace(observed=np.ones(windows.standard_returns.shape, bool))
