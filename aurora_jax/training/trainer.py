"""Training the teacher step by step: a pure `init` and `step`, so that a run can stop anywhere and go on exactly."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, PyTree

from ..core import PRNGKey, TrainState, judged, lenient, stepped, stream
from ..signatures import SignatureKernel
from ..teacher import (
    NFSDE,
    Parts,
    PathView,
    SignatureSettings,
    TeacherData,
    Weights,
    Windows,
    log_likelihood,
    objective,
    signature_distance,
    some_windows,
)
from .half_network import with_half_network


class TrainSettings(NamedTuple):
    """How a teacher is trained.

    Attributes:
        steps: gradient steps.
        learning_rate: peak, after a warm-up over a tenth of the steps; falls to a tenth by a cosine.
        gradient_norm_max: global norm at which the gradient is clipped.
        accumulate: parts that the blocks are cut into, whose gradients are summed before a step; memory for time.
        weights: of the objective's parts.
        signature_every: the distance is part of the loss in every so many steps, with the same weight.
        windows: real windows that simulated ones are compared with in a step.
        depth: of the signatures.
        coarse_steps: first steps, in which windows are simulated with `coarse_step_size`.
        coarse_step_size: bars per solver step until then.
        half_network: the drift network's products in bfloat16, its weights kept in full.
        patience: validations without a better score before training stops.
    """

    steps: int
    learning_rate: float = 0.01
    gradient_norm_max: float = 1.0
    accumulate: int = 1
    weights: Weights = Weights(1.0, 1e-3)
    signature_every: int = 1
    windows: int = 64
    depth: int = 3
    coarse_steps: int = 0
    coarse_step_size: int = 2
    half_network: bool = False
    patience: int = 8


class TrainData(NamedTuple):
    """What a teacher is trained and judged on.

    Attributes:
        training: blocks whose likelihood is raised.
        held_out: later blocks, by which the best parameters are chosen.
        windows: of the training blocks, that simulated ones are compared with.
        view: channels of that comparison.
        kernel: of that comparison, the same in every step; see `teacher.kernel_of`.
    """

    training: TeacherData
    held_out: TeacherData
    windows: Windows
    view: PathView
    kernel: SignatureKernel


class TrainInfo(NamedTuple):
    """What a reader wants of a step; `compared` says whether the distance was part of the loss."""

    loss: Float[Array, ""]
    parts: Parts
    gradient_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    finite: Bool[Array, ""]
    compared: bool = True


class Trainer:
    """Settings, data and compiled functions of one training; the state is the caller's."""

    def __init__(self, start: NFSDE, key: PRNGKey, data: TrainData, settings: TrainSettings):
        """Prepare to train `start`; draws of step n come from the streams `key`, name, n.

        Raises:
            ValueError: if `accumulate` does not divide the training blocks.
        """
        blocks = data.training.regime.shape[0]
        if settings.accumulate < 1 or blocks % settings.accumulate:
            raise ValueError(f"accumulate must divide the {blocks} training blocks, was {settings.accumulate}.")
        self._start, self._static = eqx.partition(start, eqx.is_inexact_array)
        self._key, self._data, self._settings = key, data, settings
        # Adam's first steps are as long as its last: without a warm-up they leave the start, which is a good one.
        warm_up = max(settings.steps // 10, 1)
        peak = settings.learning_rate
        self._schedule = optax.warmup_cosine_decay_schedule(
            0.0, peak, warm_up, max(settings.steps, warm_up + 1), peak / 10
        )
        self._optimiser = optax.chain(optax.clip_by_global_norm(settings.gradient_norm_max), optax.adam(self._schedule))
        self._advance = jax.jit(self._one, static_argnames=("step_size", "compared"))
        self._score = jax.jit(lambda arrays, data: -log_likelihood(self.model(arrays), data))

    @property
    def steps(self) -> int:
        """Return the steps of a whole training."""
        return self._settings.steps

    def model(self, arrays: PyTree[Array]) -> NFSDE:
        """Put a teacher together from its arrays."""
        return eqx.combine(arrays, self._static)

    def init(self) -> TrainState:
        """Start from the untrained teacher, whose score is the first to beat."""
        arrays, zero = self._start, jnp.zeros((), int)
        return TrainState(arrays, self._optimiser.init(arrays), zero, arrays, self.score(arrays), zero)

    def step(self, state: TrainState) -> tuple[TrainState, TrainInfo]:
        """Take one gradient step; where loss or gradient is not finite the state is returned as it was."""
        settings, number = self._settings, int(state.step)
        compared = settings.weights.signature > 0.0 and number % settings.signature_every == 0
        coarse = compared and number < settings.coarse_steps
        step_size = settings.coarse_step_size if coarse else 1
        after, info = self._advance(state, self._data, step_size=step_size, compared=compared)
        return after, info._replace(compared=compared)

    def score(self, arrays: PyTree[Array], data: TeacherData | None = None) -> Float[Array, ""]:
        """Return minus the log-likelihood per bar, by default of the held-out blocks."""
        return self._score(arrays, self._data.held_out if data is None else data)

    def validate(self, state: TrainState) -> tuple[TrainState, Float[Array, ""]]:
        """Score the held-out blocks, and keep the parameters if they are the best so far."""
        score = self.score(state.parameters)
        return judged(state, score), score

    def finished(self, state: TrainState) -> bool:
        """Return whether all steps are taken or patience has run out."""
        return int(state.step) >= self._settings.steps or int(state.stale) >= self._settings.patience

    def _one(self, state: TrainState, data: TrainData, *, step_size: int, compared: bool):
        loss, parts, gradient = self._gradient(state.parameters, state.step, data, step_size, compared)
        norm = optax.tree.norm(gradient)
        with lenient():
            updates, optimiser = self._optimiser.update(gradient, state.optimiser, state.parameters)
            rate = jnp.asarray(self._schedule(state.step), loss.dtype)
        parameters = optax.apply_updates(state.parameters, updates)
        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        after = stepped(state, parameters, optimiser, finite=finite)
        return after, TrainInfo(loss, parts, norm, rate, finite)

    def _gradient(self, arrays, step, data: TrainData, step_size: int, compared: bool):
        """Return loss, parts and gradient, over the parts of the blocks one after another."""
        settings = self._settings
        # Named by the step, so that a resumed run draws what an undisturbed one would have.
        chosen, paths = (jax.random.fold_in(stream(self._key, name), step) for name in ("windows", "paths"))
        windows = some_windows(chosen, data.windows, count=settings.windows)
        comparison = SignatureSettings(settings.depth, data.kernel, step_size)
        weights = settings.weights if compared else settings.weights._replace(signature=0.0)

        def model_of(arrays):
            model = self.model(arrays)
            return with_half_network(model) if settings.half_network else model

        def loss_of(arrays, blocks, weights):
            return objective(model_of(arrays), paths, blocks, windows, data.view, weights=weights, settings=comparison)

        if settings.accumulate == 1:
            (loss, parts), gradient = jax.value_and_grad(loss_of, has_aux=True)(arrays, data.training, weights)
            return loss, parts, gradient
        # The distance is not a mean over blocks: it is added once, by itself.
        without = weights._replace(signature=0.0)
        (loss, parts), gradient = _mean_over_parts(
            lambda blocks: jax.value_and_grad(loss_of, has_aux=True)(arrays, blocks, without),
            data.training,
            settings.accumulate,
        )
        if not weights.signature:
            return loss, parts, gradient

        def distance_of(arrays):
            return signature_distance(model_of(arrays), paths, windows, data.view, **comparison._asdict())

        distance, slope = jax.value_and_grad(distance_of)(arrays)
        distance = distance.astype(loss.dtype)
        gradient = jax.tree.map(lambda one, other: one + weights.signature * other, gradient, slope)
        return loss + weights.signature * distance, parts._replace(signature_distance=distance), gradient


def _mean_over_parts(function, blocks: TeacherData, count: int):
    """Return the mean of `function` over `count` parts of the blocks, one after another."""

    def part(index):
        cut = jax.tree.map(lambda x: x.reshape(count, -1, *x.shape[1:])[index] if x.ndim else x, blocks)
        return function(cut)

    def add(total, index):
        return jax.tree.map(lambda one, other: one + other / count, total, part(index)), None

    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(part, jnp.zeros((), int)))
    return jax.lax.scan(add, zeros, jnp.arange(count))[0]
