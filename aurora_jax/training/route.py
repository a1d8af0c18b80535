"""Training the router: real windows, teacher windows, and windows interpolated between regimes."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..data import FeaturePipeline, Standardiser
from ..router import (
    Interpolated,
    Labelled,
    Router,
    concatenate,
    family_weights,
    interpolate,
    monotonicity_violations,
    train_router,
)
from ..student import DSSM, Trailing, filter_window, generate
from .windows import path_inputs


class RoutedRouter(NamedTuple):
    """A trained router, its losses, and how the end regime's probability moves along interpolations."""

    router: Router
    losses: Float[Array, " steps"]
    monotonicity_violations: float


@eqx.filter_jit
def _filter_paths(network: DSSM, features: Float[Array, "paths bars assets features"]):
    return jax.lax.map(lambda path: filter_window(network, path).posterior.mean, features, batch_size=16)


def label_history(
    network: DSSM,
    features: Float[Array | np.ndarray, "bars assets features"],
    returns: Float[np.ndarray, "bars assets"],
    *,
    window_bars: int,
    stride_bars: int,
    start: int = 0,
) -> Labelled:
    """Label trailing windows of one history, each asset on its own, beside the router's inputs at their last bar.

    Args:
        network: the student.
        features: standardised features of all bars.
        returns: log returns of all bars.
        window_bars: length of a window.
        stride_bars: between the ends of windows.
        start: first bar that a window may use.
    """
    latent = np.asarray(_filter_paths(network, jnp.asarray(features)[None])[0])
    ends = np.arange(start + window_bars, returns.shape[0] + 1, stride_bars)
    if ends.size == 0:
        raise ValueError(f"{returns.shape[0] - start} bars hold no window of {window_bars}: use a longer history.")
    trailing = np.stack([returns[end - window_bars : end].T for end in ends])
    weights = family_weights(trailing.reshape(-1, window_bars)).weights
    inputs = np.concatenate([latent[ends - 1], np.asarray(features)[ends - 1]], axis=-1)
    return Labelled(jnp.asarray(inputs.reshape(-1, inputs.shape[-1])), weights.astype(jnp.float32))


def label_paths(
    network: DSSM,
    features: Float[Array | np.ndarray, "paths bars assets features"],
    log_price: Float[Array | np.ndarray, "paths bars assets"],
    *,
    window_bars: int,
) -> Labelled:
    """Label the last window of every simulated path and asset."""
    latent = np.asarray(_filter_paths(network, jnp.asarray(features))[:, -1])
    returns = np.diff(np.asarray(log_price, float), axis=1)[:, -window_bars:]
    weights = family_weights(np.moveaxis(returns, 1, 2).reshape(-1, window_bars)).weights
    inputs = np.concatenate([latent, np.asarray(features)[:, -1]], axis=-1)
    return Labelled(jnp.asarray(inputs.reshape(-1, inputs.shape[-1])), weights.astype(jnp.float32))


def route(
    key: PRNGKey,
    network: DSSM,
    pipeline: FeaturePipeline,
    standardiser: Standardiser,
    *,
    training: Labelled,
    simulated: Labelled,
    validation: Labelled,
    slerp_paths: int,
    slerp_points: int,
    window_bars: int,
    steps: int,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> RoutedRouter:
    """Interpolate between regimes, then train the router on everything and calibrate it on validation windows."""
    interpolated = _interpolated(
        stream(key, "slerp"), network, pipeline, standardiser, training, slerp_paths, slerp_points, window_bars
    )
    everything = concatenate(training, simulated, interpolated.labelled)
    result = train_router(stream(key, "router"), everything, validation, steps=steps, on_step=on_step)
    along = interpolated.labelled.inputs
    probabilities = result.router.probabilities(along[:, : network.latent], along[:, network.latent :])
    violations = monotonicity_violations(probabilities, interpolated.end_family, points=slerp_points)
    return RoutedRouter(result.router, result.losses, violations)


def _interpolated(key, network, pipeline, standardiser, training, paths, points, window_bars) -> Interpolated:
    unit = Trailing(jnp.ones((1, 1)), jnp.full(1, 1e-4))
    # The features need as many bars before the window as their memory is long.
    bars = window_bars + pipeline.warm_up_bars

    @eqx.filter_jit
    def roll(key, latents):
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(latents.shape[0]))
        return jax.vmap(lambda k, z: generate(network, unit, k, z[None], bars=bars)[:, 0])(keys, latents)

    def window(key, latents):
        returns = roll(key, latents)
        features = path_inputs(jnp.cumsum(returns, axis=1)[:, :, None], pipeline, standardiser, unit).features
        latent = _filter_paths(network, jnp.asarray(features))[:, -1, 0]
        return returns[:, -window_bars:], jnp.concatenate([latent, features[:, -1, 0]], axis=-1)

    latents = training.inputs[:, : network.latent]
    return interpolate(key, latents, training.weights, generate=window, paths=paths, points=points)
