"""Training the router on soft labels, and fitting its temperature."""

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
from .families import FAMILIES
from .model import Router, RouterNetwork


class Labelled(NamedTuple):
    """Router inputs (latent state, then features) at the end of windows, and the windows' BIC weights."""

    inputs: Float[Array, "windows inputs"]
    weights: Float[Array, "windows families"]


class RouterResult(NamedTuple):
    """The calibrated router and its training losses."""

    router: Router
    losses: Float[Array, " steps"]


def train_router(
    key: PRNGKey,
    training: Labelled,
    validation: Labelled,
    *,
    steps: int = 400,
    batch_windows: int = 256,
    learning_rate: float = 3e-3,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> RouterResult:
    """Minimise cross-entropy against the soft labels, then scale the temperature on `validation`.

    Args:
        key: parent of the streams used here.
        training: real, simulated and interpolated windows.
        validation: real windows of a later period.
        steps: gradient steps.
        batch_windows: windows per step, drawn with replacement.
        learning_rate: at the start; falls to a twentieth by a cosine.
        on_step: called with the step and its loss, for a progress bar.

    Raises:
        ValueError: if there is no window to train or to calibrate on.
    """
    if min(training.inputs.shape[0], validation.inputs.shape[0]) < 1:
        raise ValueError("the router needs at least one training and one validation window.")
    seed = jr.bits(stream(key, "network"), dtype=jnp.uint32).item()
    structure, weights = nnx.split(RouterNetwork(training.inputs.shape[1], rngs=nnx.Rngs(seed)))
    weights = nnx.to_pure_dict(weights)
    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.05)
    optimiser = optax.adamw(schedule, weight_decay=1e-3)

    def objective(weights, batch):
        logits = nnx.merge(structure, weights)(batch.inputs)
        return jnp.mean(optax.softmax_cross_entropy(logits, batch.weights))

    @jax.jit
    def advance(weights, state, key):
        pick = jr.randint(key, (batch_windows,), 0, training.inputs.shape[0])
        loss, gradient = jax.value_and_grad(objective)(weights, jax.tree.map(lambda leaf: leaf[pick], training))
        with lenient():
            updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, loss

    state, losses = optimiser.init(weights), []
    for step in range(steps):
        weights, state, loss = advance(weights, state, stream(key, "batch", step))
        losses.append(float(loss))
        on_step(step, losses[-1])
    logits = nnx.merge(structure, weights)(validation.inputs)
    temperature = fit_temperature(logits.astype(float), validation.weights.astype(float))
    return RouterResult(Router(structure, weights, temperature), jnp.asarray(losses))


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
