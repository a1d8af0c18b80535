"""Training windows for the student, cut from real history and from the teacher's paths."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..core import Bar, Columns
from ..data import FeaturePipeline, MarketData, Standardiser, batch_features, windows
from ..student import Trailing, Windows, standardise_returns


class Inputs(NamedTuple):
    """A market as the student sees it, bar by bar: features, standardised returns, whitening matrices, what is missing.

    `observed` is None where no asset ever is.
    """

    features: Float[Array | np.ndarray, "*paths bars assets features"]
    standard_returns: Float[Array | np.ndarray, "*paths bars assets"]
    whitening: Float[Array | np.ndarray, "*paths bars assets assets"]
    observed: Bool[Array | np.ndarray, "*paths bars assets"] | None = None


def real_inputs(data: MarketData, pipeline: FeaturePipeline, standardiser: Standardiser, trailing: Trailing) -> Inputs:
    """Prepare real history; the first bar has no return and counts as 0."""
    features = standardiser.apply(batch_features(pipeline, data.bars()))
    returns = np.concatenate([np.zeros((1, len(data.assets))), data.log_returns()])
    observed = ~data.imputed if data.imputed.any() else None
    standard, whitening = jax.jit(standardise_returns)(trailing, jnp.asarray(returns), observed)
    features, standard, whitening = (np.asarray(part, np.float32) for part in (features, standard, whitening))
    return Inputs(features, standard, whitening, observed)


@eqx.filter_jit
def path_inputs(
    log_price: Float[Array, "paths bars assets"],
    pipeline: FeaturePipeline,
    standardiser: Standardiser,
    trailing: Trailing,
) -> Inputs:
    """Prepare simulated close-only paths, each on its own; arrays gain a leading axis of paths.

    A feature of columns that such a path lacks is 0: what it usually is.
    """
    places = [
        i
        for i, feature in enumerate(pipeline.features)
        if not feature.absent_columns(Columns(ohlc=False, volume=False))
    ]
    if not places:
        raise ValueError(f"none of {', '.join(pipeline.names)} can be had from closes alone: add a feature that can.")
    own = FeaturePipeline([pipeline.names[place] for place in places])
    at = jnp.asarray(places)

    def one(path):
        bars = close_bars(jnp.exp(path - path[:1]))
        _, values = jax.lax.scan(own.step, own.init(path.shape[1]), bars)
        usual = jnp.broadcast_to(standardiser.center, (*values.shape[:-1], len(pipeline.names)))
        values = standardiser.apply(usual.at[..., at].set(values))
        returns = jnp.concatenate([jnp.zeros_like(path[:1]), jnp.diff(path, axis=0)])
        standard, whitening = standardise_returns(trailing, returns)
        return Inputs(*(part.astype(jnp.float32) for part in (values, standard, whitening)))

    return jax.lax.map(one, log_price.astype(float), batch_size=16)


def close_bars(close: Float[Array, "bars assets"]) -> Bar:
    """Return close-only bars with nothing to say about the shell."""
    count = close.shape[0]
    zeros = jnp.zeros(count)
    return Bar(
        time=jnp.arange(count),
        open=None,
        high=None,
        low=None,
        close=close,
        volume=None,
        imputed=jnp.zeros(close.shape, bool),
        latency_ms=zeros,
        data_age_s=zeros,
        error_rate=zeros,
        drawdown=zeros,
    )


def cut(inputs: Inputs, *, start: int, length_bars: int, stride_bars: int) -> Windows:
    """Cut windows of real history from bar `start` on."""
    return Windows(
        *jax.tree.map(
            lambda part: windows(np.asarray(part)[start:], length_bars=length_bars, stride_bars=stride_bars), inputs
        )
    )


def last_bars(inputs: Inputs, *, length_bars: int) -> Windows:
    """Take the last bars of every simulated path as its window.

    Raises:
        ValueError: if the paths are shorter.
    """
    bars = inputs.features.shape[1]
    if not 1 <= length_bars <= bars:
        raise ValueError(f"length_bars must lie in [1, {bars}], the bars of a path, was {length_bars}.")
    return Windows(*jax.tree.map(lambda part: np.asarray(part)[:, -length_bars:], inputs))
