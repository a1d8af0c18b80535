"""Training the router: real windows, teacher windows, and windows interpolated between regimes."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..core import PRNGKey, stream
from ..data import FeaturePipeline, Standardiser
from ..router import (
    Decode,
    Labelled,
    LatentWindows,
    Router,
    concatenate,
    family_weights,
    interpolate,
    monotonicity_violations,
    train_router,
)
from ..student import DSSM, Trailing, decode, filter_window, shocks, standardise_returns
from .windows import Inputs, path_inputs


class RoutedRouter(NamedTuple):
    """A trained router, its losses, and how the end regime's probability moves along interpolations."""

    router: Router
    losses: Float[Array, " steps"]
    monotonicity_violations: float


class LabelledHistory(NamedTuple):
    """Windows of one history: what the router learns from them, and how the student explains them."""

    labelled: Labelled
    latent_windows: LatentWindows


@eqx.filter_jit
def _filter_paths(
    network: DSSM,
    features: Float[Array, "paths bars assets features"],
    observed: Bool[Array, "paths bars assets"] | None = None,
) -> Float[Array, "paths bars assets latent"]:
    def one(path):
        values, seen = path
        return filter_window(network, values, observed=seen).posterior.mean

    return jax.lax.map(one, (features, observed), batch_size=16)


def label_history(
    network: DSSM,
    inputs: Inputs,
    returns: Float[np.ndarray, "bars assets"],
    *,
    window_bars: int,
    stride_bars: int,
    lead_bars: int,
) -> LabelledHistory:
    """Label trailing windows of one history, each asset on its own, beside the router's inputs at their last bar.

    Args:
        network: the student.
        inputs: standardised features and returns of all bars.
        returns: log returns of all bars.
        window_bars: length of a window.
        stride_bars: between the ends of windows.
        lead_bars: bars before each window that belong to its explanation: what the features need to warm up.
    """
    bars = lead_bars + window_bars
    ends = np.arange(bars, returns.shape[0] + 1, stride_bars)
    if ends.size == 0:
        raise ValueError(f"{returns.shape[0]} bars hold no window of {bars}: use a longer history.")
    seen = None if inputs.observed is None else jnp.asarray(inputs.observed)[None]
    latent = np.asarray(_filter_paths(network, jnp.asarray(inputs.features)[None], seen)[0])
    # Relative to the trailing volatility alone, as `decoder` has it: the scale law's other horizons, and the mean over
    # assets, are none that a decoded window of one asset could have.
    relative, _ = jax.jit(standardise_returns)(_unit(returns.shape[1]), jnp.asarray(returns), inputs.observed)
    unexplained = np.asarray(shocks(network, jnp.asarray(latent), relative.astype(jnp.float32)))
    weights = family_weights(_each_asset(returns, ends, window_bars)).weights
    at_end = np.concatenate([latent[ends - 1], np.asarray(inputs.features)[ends - 1]], axis=-1)
    return LabelledHistory(
        Labelled(jnp.asarray(at_end.reshape(-1, at_end.shape[-1])), weights.astype(jnp.float32)),
        LatentWindows(*(jnp.asarray(_each_asset(values, ends, bars)) for values in (latent, unexplained))),
    )


def _unit(assets: int) -> Trailing:
    """Return a trailing volatility that starts anywhere, without a scale law."""
    return Trailing(jnp.eye(assets), jnp.full(assets, 1e-4))


def _each_asset(values: np.ndarray, ends: np.ndarray, bars: int) -> np.ndarray:
    """Cut [time, assets, ...] into windows [window after window and asset after asset, bars, ...]."""
    cut = np.stack([np.moveaxis(values[end - bars : end], 1, 0) for end in ends])
    return cut.reshape(-1, *cut.shape[2:])


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
    training: LabelledHistory,
    simulated: Labelled,
    validation: Labelled,
    slerp_paths: int,
    slerp_points: int,
    window_bars: int,
    steps: int,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> RoutedRouter:
    """Interpolate between regimes, then train the router on everything and calibrate it on validation windows."""
    interpolated = interpolate(
        stream(key, "slerp"),
        training.latent_windows,
        training.labelled.weights,
        decode=decoder(network, pipeline, standardiser, window_bars=window_bars),
        paths=slerp_paths,
        points=slerp_points,
    )
    everything = concatenate(training.labelled, simulated, interpolated.labelled)
    result = train_router(stream(key, "router"), everything, validation, steps=steps, on_step=on_step)
    along = interpolated.labelled.inputs
    probabilities = result.router.probabilities(along[:, : network.latent], along[:, network.latent :])
    violations = monotonicity_violations(probabilities, interpolated.end_family, points=slerp_points)
    return RoutedRouter(result.router, result.losses, violations)


def decoder(network: DSSM, pipeline: FeaturePipeline, standardiser: Standardiser, *, window_bars: int) -> Decode:
    """Return the function from latent paths and shocks to windows and the router's inputs at their ends.

    Each window is decoded and filtered as a market of one asset. Its scale is arbitrary, which no BIC minds.

    Args:
        network: the student.
        pipeline: of the student's features.
        standardiser: of the features.
        window_bars: last bars that are returned and labelled; those before them warm the features up.
    """
    unit = _unit(1)

    @eqx.filter_jit
    def returns_of(latent, shock):
        return jax.vmap(lambda z, e: decode(network, unit, z[:, None], e[:, None])[:, 0])(latent, shock)

    def window(latent, shock):
        returns = returns_of(latent, shock)
        log_price = jnp.pad(jnp.cumsum(returns, axis=1), ((0, 0), (1, 0)))
        features = path_inputs(log_price[:, :, None], pipeline, standardiser, unit).features
        after = _filter_paths(network, jnp.asarray(features))[:, -1, 0]
        return returns[:, -window_bars:], jnp.concatenate([after, features[:, -1, 0]], axis=-1)

    return window
