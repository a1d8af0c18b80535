"""Training the student step by step: a pure `init` and `step`, so that a run can stop anywhere and go on exactly."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..core import PRNGKey, lenient, stream
from .loss import LossParts, Windows, student_loss
from .model import DSSM


class TrainSettings(NamedTuple):
    """How a student is trained.

    Attributes:
        steps: gradient steps.
        batch_windows: windows in a step.
        teacher_share: share of them that is simulated, in [0, 1).
        learning_rate: peak; one-tenth warm-up, cosine fall to a twentieth.
        weight_decay: of AdamW.
        jacobian_weight: lambda_J.
        divergence_weight: weight of the Kullback-Leibler term.
        patience: validations without a better score before training stops; None never stops it.
    """

    steps: int
    batch_windows: int = 16
    teacher_share: float = 0.5
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    jacobian_weight: float = 1e-3
    divergence_weight: float = 0.1
    patience: int | None = None


class TrainData(NamedTuple):
    """Real training windows, simulated ones, and later real windows by which the best weights are chosen."""

    real: Windows
    teacher: Windows
    validation: Windows


class TrainState(NamedTuple):
    """What the next step needs; everything that a resumed run must find again.

    Attributes:
        parameters: the network's weights.
        optimiser: state of AdamW.
        step: steps taken.
        best: weights with the best validation score so far, the start's included.
        best_score: their loss of one-step prediction, nats per bar and asset.
        stale: validations since then.
    """

    parameters: PyTree[Array]
    optimiser: PyTree
    step: Int[Array, ""]
    best: PyTree[Array]
    best_score: Float[Array, ""]
    stale: Int[Array, ""]


class TrainInfo(NamedTuple):
    """What a reader wants of a step."""

    loss: Float[Array, ""]
    parts: LossParts
    gradient_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    finite: Bool[Array, ""]


class Trainer:
    """Settings, data and compiled functions of one training; the state is the caller's."""

    def __init__(self, network: DSSM, key: PRNGKey, data: TrainData, settings: TrainSettings):
        """Prepare to train `network`; draws of step n come from the streams `key`, name, n.

        Raises:
            ValueError: if `teacher_share` is outside [0, 1), or there are no real windows to train or to validate on.
        """
        if not 0.0 <= settings.teacher_share < 1.0:
            raise ValueError(f"teacher_share must lie in [0, 1), was {settings.teacher_share}.")
        if min(data.real.features.shape[0], data.validation.features.shape[0]) < 1:
            raise ValueError("training and validation need at least one real window each: use a longer history.")
        self._structure, weights = nnx.split(network)
        self._start = nnx.to_pure_dict(weights)
        self._key, self._settings = key, settings
        self._real, self._teacher = _alike(data.real, data.teacher)
        self._validation = data.validation
        peak = settings.learning_rate
        self._schedule = optax.warmup_cosine_decay_schedule(
            0.0, peak, max(settings.steps // 10, 1), max(settings.steps, 2), peak / 20
        )
        self._optimiser = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adamw(self._schedule, weight_decay=settings.weight_decay)
        )
        self._advance = jax.jit(self._one)
        self._evaluate = jax.jit(self._parts)

    @property
    def steps(self) -> int:
        """Return the steps of a whole training."""
        return self._settings.steps

    def model(self, arrays: PyTree[Array]) -> DSSM:
        """Put a network together from its weights."""
        return nnx.merge(self._structure, arrays)

    def init(self) -> TrainState:
        """Start from the untrained network, which forecasts by the scale law alone: the first score to beat."""
        zero = jnp.zeros((), int)
        score = self.score(self._start).prediction
        return TrainState(self._start, self._optimiser.init(self._start), zero, self._start, score, zero)

    def step(self, state: TrainState) -> tuple[TrainState, TrainInfo]:
        """Take one gradient step; where loss or gradient is not finite the state is returned as it was."""
        number = int(state.step)
        return self._advance(state, stream(self._key, "posterior", number), self.batch(number))

    def batch(self, step: int) -> Windows:
        """Return the windows of a step: always the same mixture, drawn without regard to order."""
        settings, count = self._settings, self._teacher.features.shape[0]
        simulated = min(round(settings.batch_windows * settings.teacher_share), count)
        drawn = settings.batch_windows - simulated
        key = stream(self._key, "batches")
        picked = _rows(self._real, stream(key, "real", step), drawn)
        if not simulated:
            return picked
        return jax.tree.map(
            lambda *both: np.concatenate(both), picked, _rows(self._teacher, stream(key, "teacher", step), simulated)
        )

    def score(self, arrays: PyTree[Array]) -> LossParts:
        """Return the loss of the validation windows and its parts."""
        return self._evaluate(arrays, stream(self._key, "validation"), self._validation)[1]

    def validate(self, state: TrainState) -> tuple[TrainState, Float[Array, ""]]:
        """Score the validation windows' one-step prediction, and keep the weights if they are the best so far."""
        score = self.score(state.parameters).prediction
        return self.judged(state, score), score

    def judged(self, state: TrainState, score: Float[Array, ""]) -> TrainState:
        """Keep the weights if their score is the best so far."""
        if bool(score <= state.best_score):
            return state._replace(best=state.parameters, best_score=score, stale=jnp.zeros_like(state.stale))
        return state._replace(stale=state.stale + 1)

    def finished(self, state: TrainState) -> bool:
        """Return whether all steps are taken or patience has run out."""
        patience = self._settings.patience
        return int(state.step) >= self.steps or (patience is not None and int(state.stale) >= patience)

    def _parts(self, weights, key, batch) -> tuple[Float[Array, ""], LossParts]:
        settings = self._settings
        return student_loss(
            self.model(weights),
            key,
            batch,
            jacobian_weight=settings.jacobian_weight,
            divergence_weight=settings.divergence_weight,
        )

    def _one(self, state: TrainState, key: PRNGKey, batch: Windows) -> tuple[TrainState, TrainInfo]:
        (loss, parts), gradient = jax.value_and_grad(self._parts, has_aux=True)(state.parameters, key, batch)
        norm = optax.tree.norm(gradient)
        with lenient():
            updates, optimiser = self._optimiser.update(gradient, state.optimiser, state.parameters)
            rate = jnp.asarray(self._schedule(state.step), loss.dtype)
        moved = state._replace(
            parameters=optax.apply_updates(state.parameters, updates), optimiser=optimiser, step=state.step + 1
        )
        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, state)
        return after, TrainInfo(loss, parts, norm, rate, finite)


def _rows(windows: Windows, key: PRNGKey, count: int) -> Windows:
    picked = np.asarray(jr.randint(key, (count,), 0, windows.features.shape[0]))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[picked], windows)


def _alike(real: Windows, teacher: Windows) -> tuple[Windows, Windows]:
    """Say of both kinds which bars were observed where one of them does; None stands for all."""
    if real.observed is None and teacher.observed is None:
        return real, teacher
    return _told(real), _told(teacher)


def _told(windows: Windows) -> Windows:
    if windows.observed is not None:
        return windows
    return windows._replace(observed=np.ones(windows.standard_returns.shape, bool))
