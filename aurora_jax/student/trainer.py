"""Training the student step by step: a pure `init` and `step`, so that a run can stop anywhere and go on exactly."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float

from ..core import PRNGKey, TrainState, judged, lenient, stepped, stream
from .distil import Imitation, imitate, initial_map, latent_divergence, regime_overlap, signature_loss, tail_loss
from .loss import LossParts, Windows, evidence_loss, filter_windows
from .model import DSSM
from .train_records import Batch, Comparison, Parameters, TrainData, TrainInfo, TrainSettings

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of what the network has learnt to say, those that validation chooses from."""
_SAYS = ("decoder_out", "emission")  # the parts that say something about the next return, given the state
_REGIMES = 3  # codes of `Regime` that a law can have; in transition there is none


class Trainer:
    """Settings, data and compiled functions of one training; the state is the caller's."""

    def __init__(self, network: DSSM, key: PRNGKey, data: TrainData, settings: TrainSettings):
        """Prepare to train `network`; draws of step n come from the streams `key`, name, n.

        Raises:
            ValueError: if `teacher_share` is outside [0, 1), there are no real windows to train or to validate on, or
                none of their returns was observed, or something is to be distilled and nothing is the teacher's.
        """
        if not 0.0 <= settings.teacher_share < 1.0:
            raise ValueError(f"teacher_share must lie in [0, 1), was {settings.teacher_share}.")
        if min(data.real.features.shape[0], data.validation.features.shape[0]) < 1:
            raise ValueError("training and validation need at least one real window each: use a longer history.")
        for name, windows in (("training", data.real), ("validation", data.validation)):
            if windows.observed is not None and not np.any(np.asarray(windows.observed)[:, 1:]):
                raise ValueError(f"no return of the {name} windows was observed: use a history with fewer holes.")
        self._structure, weights = nnx.split(network)
        self._key, self._settings = key, settings
        self._taught = settings.distillation
        latent_map = None
        if self._taught is not None:
            if data.real_targets is None or data.teacher_targets is None or data.imitation is None:
                raise ValueError("distillation needs the teacher's targets of both kinds of windows, and its paths.")
            latent_map = initial_map(data.real_targets.mean.shape[1], network.latent)
        self._start = Parameters(nnx.to_pure_dict(weights), latent_map)
        self._real, self._teacher = _alike(data.real, data.teacher)
        self._validation, self._data = data.validation, data
        peak = settings.learning_rate
        self._schedule = optax.warmup_cosine_decay_schedule(
            0.0, peak, max(settings.steps // 10, 1), max(settings.steps, 2), peak / 20
        )
        self._optimiser = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adamw(self._schedule, weight_decay=settings.weight_decay)
        )
        self._advance = jax.jit(self._one)  # compiled twice where some steps compare more
        self._evaluate = jax.jit(lambda *arguments: self._evidence(*arguments)[1])

    @property
    def steps(self) -> int:
        """Return the steps of a whole training."""
        return self._settings.steps

    def model(self, arrays: Parameters) -> DSSM:
        """Put a network together from its weights."""
        return nnx.merge(self._structure, arrays.network)

    def init(self) -> TrainState:
        """Start from the untrained network, which forecasts by the scale law alone: the first score to beat."""
        zero = jnp.zeros((), int)
        score = self.score(self._start).forecast
        optimiser = self._optimiser.init(self._start)  # pyright: ignore[reportArgumentType] (any pytree)
        return TrainState(self._start, optimiser, zero, self._start, score, zero)

    def step(self, state: TrainState) -> tuple[TrainState, TrainInfo]:
        """Take one gradient step; where loss or gradient is not finite the state is returned as it was."""
        number = int(state.step)
        comparison = self._comparison(number)
        return self._advance(state, stream(self._key, "posterior", number), self.batch(number), comparison)

    def batch(self, step: int) -> Batch:
        """Return the windows of a step: always the same mixture, drawn without regard to order."""
        settings, count = self._settings, self._teacher.features.shape[0]
        simulated = min(round(settings.batch_windows * settings.teacher_share), count)
        drawn = settings.batch_windows - simulated
        key, data = stream(self._key, "batches"), self._data
        targets = (data.real_targets, data.teacher_targets) if self._taught is not None else (None, None)
        picked = _rows(Batch(self._real, targets[0]), stream(key, "real", step), drawn)
        if not simulated:
            return picked
        others = _rows(Batch(self._teacher, targets[1]), stream(key, "teacher", step), simulated)
        return jax.tree.map(lambda *both: np.concatenate(both), picked, others)

    def score(self, arrays: Parameters) -> LossParts:
        """Return the parts of the validation windows' loss, as the student is served: without posterior noise."""
        return self._evaluate(arrays.network, None, self._validation)

    def validate(self, state: TrainState) -> tuple[TrainState, Float[Array, ""]]:
        """Score the validation windows' one-step forecast at several shares of what was learnt; keep the best so far.

        At share 0 the forecast is the start's, by the scale law, and what else was learnt is still there: a student
        never forecasts these windows worse than it did at the start, and where nothing that the network says is worth
        hearing its state is kept all the same. Of equal scores the later one is kept.
        """
        options = [self.believed(state.parameters, share) for share in SHARES]
        scores = [self.score(option).forecast for option in options]
        place = int(np.argmin(np.asarray(scores)))  # of one that is no number, that one
        after = judged(state._replace(parameters=options[place]), scores[place])
        if bool(scores[place] == state.best_score):
            after = after._replace(best=options[place])
        return after._replace(parameters=state.parameters), scores[place]

    def believed(self, parameters: Parameters, share: float) -> Parameters:
        """Return the weights with what the forecast says moved from the start by a share of what was learnt."""
        network, start = dict(parameters.network), self._start.network
        for name in _SAYS:
            moved = jax.tree.map(lambda now, before: before + share * (now - before), network[name], start[name])
            network[name] = moved if share < 1.0 else network[name]
        return parameters._replace(network=network)

    def finished(self, state: TrainState) -> bool:
        """Return whether all steps are taken or patience has run out."""
        patience = self._settings.patience
        return int(state.step) >= self.steps or (patience is not None and int(state.stale) >= patience)

    def _comparison(self, step: int) -> Comparison | None:
        """Return what a step compares paths and regimes with; None of most steps."""
        taught, imitation = self._taught, self._data.imitation
        if taught is None or imitation is None or step % taught.compare_every:
            return None
        if not max(taught.tail_weight, taught.signature_weight, taught.separation_weight) > 0.0:
            return None
        return Comparison(imitation, self.regime_windows(step) if taught.separation_weight > 0.0 else None)

    def regime_windows(self, step: int) -> Batch:
        """Return the last bars of the simulated windows by which a step tells regimes apart."""
        taught, targets = self._taught, self._data.teacher_targets
        assert taught is not None  # or there would be nothing to tell apart
        assert targets is not None
        picked = _rows(Batch(self._teacher, targets), stream(self._key, "regimes", step), taught.separation_windows)
        last = jax.tree.map(lambda leaf: leaf[:, -taught.separation_bars :], picked.windows)
        return picked._replace(windows=last)

    def _evidence(self, weights, key: PRNGKey | None, windows: Windows):
        """Return the loss without a teacher, its parts, and the filtered windows."""
        network, settings = nnx.merge(self._structure, weights), self._settings
        cells = filter_windows(network, key, windows)
        weigh = {"jacobian_weight": settings.jacobian_weight, "divergence_weight": settings.divergence_weight}
        return *evidence_loss(network, cells, windows, **weigh), cells

    def _parts(self, parameters: Parameters, key: PRNGKey, batch: Batch, comparison: Comparison | None):
        loss, parts, cells = self._evidence(parameters.network, key, batch.windows)
        taught, targets = self._taught, batch.targets
        if taught is None or targets is None:
            return loss, parts
        last = jax.tree.map(lambda leaf: leaf[:, -1], cells.posterior)
        if taught.latent_weight > 0.0 and parameters.latent_map is not None:
            parts = parts._replace(latent=latent_divergence(parameters.latent_map, last, targets))
        if comparison is not None:
            network = self.model(parameters)
            parts = self._compared(network, stream(key, "imitation"), comparison.imitation, parts)
            parts = parts._replace(overlap=_overlap(network, comparison.regimes))
        loss = loss + taught.latent_weight * parts.latent + taught.separation_weight * parts.overlap
        loss = loss + taught.tail_weight * parts.tail + taught.signature_weight * parts.signature
        return loss, parts._replace(total=loss)

    def _compared(self, network: DSSM, key: PRNGKey, imitation: Imitation, parts: LossParts) -> LossParts:
        taught = self._taught
        assert taught is not None  # or there would be nothing to compare with
        if not max(taught.tail_weight, taught.signature_weight) > 0.0:
            return parts
        own, theirs = imitate(network, key, imitation, paths=taught.paths)
        if taught.tail_weight > 0.0:
            parts = parts._replace(tail=tail_loss(own, theirs, imitation))
        if taught.signature_weight > 0.0:
            parts = parts._replace(signature=signature_loss(own, theirs, imitation, depth=taught.depth))
        return parts

    def _one(self, state: TrainState, key: PRNGKey, batch: Batch, comparison: Comparison | None):
        told = jax.value_and_grad(self._parts, has_aux=True)
        (loss, parts), gradient = told(state.parameters, key, batch, comparison)
        norm = optax.tree.norm(gradient)
        with lenient():
            updates, optimiser = self._optimiser.update(gradient, state.optimiser, state.parameters)  # pyright: ignore[reportArgumentType]
            rate = jnp.asarray(self._schedule(state.step), loss.dtype)
        parameters = optax.apply_updates(state.parameters, updates)  # pyright: ignore[reportArgumentType]
        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        after = stepped(state, parameters, optimiser, finite=finite)
        return after, TrainInfo(loss, parts, norm, rate, finite)


def _overlap(network: DSSM, regimes: Batch | None) -> Float[Array, ""] | float:
    """Return how far the states of simulated windows of different regimes overlap, as the student is served."""
    if regimes is None or regimes.targets is None:
        return 0.0
    state = jnp.mean(filter_windows(network, None, regimes.windows).posterior.mean[:, -1], axis=1)
    return regime_overlap(state, jnp.asarray(regimes.targets.regime), regimes=_REGIMES)


def _rows(batch: Batch, key: PRNGKey, count: int) -> Batch:
    picked = np.asarray(jr.randint(key, (count,), 0, batch.windows.features.shape[0]))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[picked], batch)


def _alike(real: Windows, teacher: Windows) -> tuple[Windows, Windows]:
    """Say of both kinds which bars were observed where one of them does; None stands for all."""
    if real.observed is None and teacher.observed is None:
        return real, teacher
    return _told(real), _told(teacher)


def _told(windows: Windows) -> Windows:
    if windows.observed is not None:
        return windows
    return windows._replace(observed=np.ones(windows.standard_returns.shape, bool))
