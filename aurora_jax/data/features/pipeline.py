"""Chosen features of every asset of a stream, one step a bar."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Bar, require_x64

from .catalogue import feature_by_name
from .feature import AbstractFeature


class PipelineState(NamedTuple):
    """How many bars went by, and for each feature its memory, with a leading axis of assets."""

    bars_seen: Int[Array, ""]
    memories: tuple


class FeaturePipeline(eqx.Module):
    """Features by name, for all assets of a stream.

    Attributes:
        features: in the order of the names given, which is that of the values.
    """

    features: tuple[AbstractFeature, ...]

    def __init__(self, names: Sequence[str]):
        """Choose features.

        Raises:
            ValueError: if `names` is empty, repeats one, or holds an unknown one; names the nearest.
        """
        repeated = sorted({name for name in names if list(names).count(name) > 1})
        if repeated or not names:
            raise ValueError(f"names must be distinct and at least one, were {', '.join(names) or 'none'}.")
        self.features = tuple(feature_by_name(name) for name in names)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the features, in the order of the values."""
        return tuple(feature.name for feature in self.features)

    @property
    def warm_up_bars(self) -> int:
        """Return for how many bars some value is 0 because its history is too short."""
        return max(feature.warm_up_bars for feature in self.features)

    def init(self, assets: int) -> PipelineState:
        """Return the state before any bar of a stream of `assets`."""
        require_x64("FeaturePipeline.init")
        if assets < 1:
            raise ValueError(f"assets must be at least 1, was {assets}.")

        def spread(leaf):
            return jnp.broadcast_to(leaf, (assets, *leaf.shape))

        memories = tuple(jax.tree.map(spread, feature.start()) for feature in self.features)
        return PipelineState(jnp.zeros((), int), memories)

    def step(self, state: PipelineState, bar: Bar) -> tuple[PipelineState, Float[Array, "assets features"]]:
        """Take one bar in; a value is 0 until its own feature has warmed up, and never NaN on validated bars.

        Raises:
            ValueError: if the bar lacks a column that a feature requires; names both.
        """
        for feature in self.features:
            feature.check_columns(bar.columns)

        def advance(memories, asset: Bar):
            pairs = [feature.advance(memory, asset) for feature, memory in zip(self.features, memories, strict=True)]
            return tuple(memory for memory, _ in pairs), jnp.stack([value for _, value in pairs])

        # What the shell measured has no asset axis and no feature looks at it.
        measured = {name: None for name in ("time", "latency_ms", "data_age_s", "error_rate", "drawdown")}
        asset_bars = bar._replace(**measured)
        memories, values = jax.vmap(advance)(state.memories, asset_bars)
        ready = state.bars_seen >= jnp.array([feature.warm_up_bars for feature in self.features])
        values = jnp.where(jnp.broadcast_to(ready, values.shape), values, 0.0)
        return PipelineState(state.bars_seen + 1, memories), values


def batch_features(pipeline: FeaturePipeline, bars: Bar) -> Float[Array, "bars assets features"]:
    """Return the values of `pipeline.step` over a whole history: one scan, the same bits as bar by bar.

    Args:
        pipeline: the features.
        bars: stacked along time, as `MarketData.bars()`.
    """
    return _scan(pipeline, jax.tree.map(jnp.asarray, bars))


@eqx.filter_jit
def _scan(pipeline: FeaturePipeline, bars: Bar) -> Float[Array, "bars assets features"]:
    _, values = jax.lax.scan(pipeline.step, pipeline.init(bars.close.shape[1]), bars)
    return values
