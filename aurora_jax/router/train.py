"""Training the router on soft labels, and fitting its temperature."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int

from ..core import PRNGKey, lenient, stream
from .evidence import EVIDENCE
from .families import FAMILIES
from .model import Router, RouterNetwork

_LEAST_RISE = 0.01


class Labelled(NamedTuple):
    """Router inputs (latent state, features, evidence) at the end of windows, and the windows' BIC weights."""

    inputs: Float[Array, "windows inputs"]
    weights: Float[Array, "windows families"]


class LabelledPaths(NamedTuple):
    """Windows along SLERP paths, each path decoded twice, and the family at its end.

    Attributes:
        inputs: of the router.
        weights: BIC weights.
        end_family: of the window that the path leads to.
    """

    inputs: Float[Array, "paths mirrors points inputs"]
    weights: Float[Array, "paths mirrors points families"]
    end_family: Int[Array, " paths"]

    def windows(self) -> Labelled:
        """Return the windows one by one."""
        return Labelled(*(part.reshape(-1, part.shape[-1]) for part in (self.inputs, self.weights)))


class RouterResult(NamedTuple):
    """The calibrated router and its training losses."""

    router: Router
    losses: Float[Array, " steps"]


def train_router(
    key: PRNGKey,
    training: Labelled,
    validation: Labelled,
    *,
    window_bars: int,
    paths: LabelledPaths | None = None,
    monotone_weight: float = 3.0,
    steps: int = 400,
    batch_windows: int = 256,
    learning_rate: float = 3e-3,
    context_dropout: float = 0.5,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> RouterResult:
    """Minimise cross-entropy against the soft labels, then scale the temperature on `validation`.

    Where there are paths, a hinge keeps the end family's probability from falling along them. Latent state and features
    of a window are hidden in a share of steps: what the window itself says must do without them.

    Args:
        key: parent of the streams used here.
        training: real, simulated and interpolated windows.
        validation: real windows of other times.
        window_bars: returns in a window.
        paths: for the hinge; their windows are not trained on unless `training` has them, too.
        monotone_weight: of the hinge.
        steps: gradient steps.
        batch_windows: windows per step, drawn with replacement; a quarter as many paths.
        learning_rate: at the start; falls to a twentieth by a cosine.
        context_dropout: that share.
        on_step: called with the step and its loss, for a progress bar.

    Raises:
        ValueError: if there is no window to train or to calibrate on.
    """
    if min(training.inputs.shape[0], validation.inputs.shape[0]) < 1:
        raise ValueError("the router needs at least one training and one validation window.")
    seed = jr.bits(stream(key, "network"), dtype=jnp.uint32).item()
    inputs = training.inputs.shape[1]
    structure, weights = nnx.split(RouterNetwork(inputs, rngs=nnx.Rngs(seed)))
    weights = nnx.to_pure_dict(weights)
    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.05)
    optimiser = optax.adamw(schedule, weight_decay=1e-2)
    context = jnp.arange(inputs) < inputs - EVIDENCE

    def objective(weights, batch, along, hidden):
        network = nnx.merge(structure, weights)
        seen = jnp.where(hidden[:, None] & context[None, :], 0.0, batch.inputs)
        loss = jnp.mean(optax.softmax_cross_entropy(network(seen), batch.weights))
        return loss if along is None else loss + monotone_weight * _falls(network, along)

    @jax.jit
    def advance(weights, state, key, training, paths):
        pick = jr.randint(stream(key, "windows"), (batch_windows,), 0, training.inputs.shape[0])
        batch, along = jax.tree.map(lambda leaf: leaf[pick], training), None
        if paths is not None:
            pick = jr.randint(stream(key, "paths"), (batch_windows // 4,), 0, paths.end_family.shape[0])
            along = jax.tree.map(lambda leaf: leaf[pick], paths)
        hidden = jr.bernoulli(stream(key, "context"), context_dropout, (batch_windows,))
        loss, gradient = jax.value_and_grad(objective)(weights, batch, along, hidden)
        with lenient():
            updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, loss

    state, losses = optimiser.init(weights), []
    for step in range(steps):
        weights, state, loss = advance(weights, state, stream(key, "batch", step), training, paths)
        losses.append(float(loss))
        on_step(step, losses[-1])
    logits = nnx.merge(structure, weights)(validation.inputs)
    temperature = fit_temperature(logits.astype(float), validation.weights.astype(float))
    return RouterResult(Router(structure, weights, temperature, window_bars), jnp.asarray(losses))


def _falls(network: RouterNetwork, paths: LabelledPaths) -> Float[Array, ""]:
    """Return the mean fall of the end family's probability in a step along a path, rises counting as 0."""
    law = jnp.mean(jax.nn.softmax(network(paths.inputs), axis=-1), axis=1)
    of_end = jnp.take_along_axis(law, paths.end_family[:, None, None], axis=2)[..., 0]
    return jnp.mean(jax.nn.relu(_LEAST_RISE + of_end[:, :-1] - of_end[:, 1:]))


def fit_temperature(
    logits: Float[Array | np.ndarray, "windows families"], weights: Float[Array | np.ndarray, "windows families"]
) -> Float[Array, ""]:
    r"""Return T > 0 minimising the cross-entropy of softmax(logits / T) against soft labels.

    The objective is convex in 1/T; its derivative is bisected in log T over [0.05, 20].

    References:
        Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, ICML, eq. 9.
    """
    logits, weights = jnp.asarray(logits), jnp.asarray(weights)

    def slope(inverse):
        law = jax.nn.softmax(logits * inverse, axis=-1)
        return jnp.mean(jnp.sum((law - weights) * logits, axis=-1))

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        # A negative slope in 1/T asks for a larger 1/T, that is, a smaller T.
        falling = slope(jnp.exp(-middle)) < 0.0
        return jnp.where(falling, low, middle), jnp.where(falling, middle, high)

    bounds = jnp.log(jnp.asarray(0.05, logits.dtype)), jnp.log(jnp.asarray(20.0, logits.dtype))
    low, high = jax.lax.fori_loop(0, 60, halve, bounds)
    return jnp.exp(0.5 * (low + high))


def concatenate(*parts: Labelled) -> Labelled:
    """Join sets of labelled windows."""
    return Labelled(*(jnp.concatenate(columns) for columns in zip(*parts, strict=True)))


def class_shares(labelled: Labelled) -> dict[str, float]:
    """Return the mean weight of each family, by name."""
    return dict(zip(FAMILIES, np.asarray(labelled.weights, float).mean(axis=0).tolist(), strict=True))
