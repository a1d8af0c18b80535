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
    LabelledPaths,
    LatentWindows,
    Router,
    concatenate,
    evidence_of_windows,
    family_weights,
    interpolate,
    monotonicity_violations,
    router_inputs,
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
    windows = _each_asset(returns, ends, window_bars)
    weights = family_weights(windows).weights
    state, features = (part[ends - 1].reshape(-1, part.shape[-1]) for part in (latent, np.asarray(inputs.features)))
    at_end = router_inputs(jnp.asarray(state), jnp.asarray(features), evidence_of_windows(windows))
    return LabelledHistory(
        Labelled(at_end, weights.astype(jnp.float32)),
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
    windows = np.moveaxis(returns, 1, 2).reshape(-1, window_bars)
    weights = family_weights(windows).weights
    state, features = (part.reshape(-1, part.shape[-1]) for part in (latent, np.asarray(features)[:, -1]))
    inputs = router_inputs(jnp.asarray(state), jnp.asarray(features), evidence_of_windows(windows))
    return Labelled(inputs, weights.astype(jnp.float32))


def route(
    key: PRNGKey,
    network: DSSM,
    pipeline: FeaturePipeline,
    standardiser: Standardiser,
    *,
    training: LabelledHistory,
    simulated: Labelled,
    validation: LabelledHistory,
    slerp_paths: int,
    slerp_points: int,
    slerp_clear_share: float,
    window_bars: int,
    steps: int,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> RoutedRouter:
    """Interpolate between regimes, train the router on everything and calibrate it on validation windows.

    Monotonicity is measured on as many paths again, between validation windows, which the router never saw; where all
    of these are of one family there is no path between them, and it is measured on those that it was trained on.
    """
    decode = decoder(network, pipeline, standardiser, window_bars=window_bars)

    def join(name, history):
        return interpolate(
            stream(key, name),
            history.latent_windows,
            history.labelled.weights,
            decode=decode,
            paths=slerp_paths,
            points=slerp_points,
            clear_share=slerp_clear_share,
        )

    paths = join("slerp", training)
    result = train_router(
        stream(key, "router"),
        concatenate(training.labelled, simulated, paths.windows()),
        validation.labelled,
        window_bars=window_bars,
        paths=paths,
        steps=steps,
        on_step=on_step,
    )
    several = np.unique(np.argmax(np.asarray(validation.labelled.weights), axis=1)).size > 1
    fresh = join("held out slerp", validation) if several else paths
    violations = monotonicity_violations(along(result.router, fresh), fresh.end_family)
    return RoutedRouter(result.router, result.losses, violations)


def along(router: Router, paths: LabelledPaths) -> Float[Array, "paths points families"]:
    """Return the router's probabilities along paths, averaged over each path's mirror images."""
    return jnp.mean(router.probabilities(paths.inputs).probabilities, axis=1)


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
        window = returns[:, -window_bars:]
        return window, router_inputs(after, jnp.asarray(features)[:, -1, 0], evidence_of_windows(window))

    return window
