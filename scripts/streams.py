"""Streams of the quickstart: their settings and periods."""

import numpy as np

from aurora_jax.config import EngineConfig, QuickstartConfig
from aurora_jax.config.engine import StreamConfig
from aurora_jax.data import FeaturePipeline, MarketData, Split, require_bars, split
from aurora_jax.engine import shared_features
from aurora_jax.governance.calm_thresholds import MIN_BARS

_MEASURED_BARS = 250  # of the hold-out: invariants of less are noise


def stream_config(data: MarketData) -> StreamConfig:
    """Describe a stream; a single asset's weight can only be 1."""
    described = StreamConfig(assets=data.assets, ohlc=data.columns.ohlc, volume=data.columns.volume, weight_max=1.0)
    return described.updated(weight_min=0.0) if len(data.assets) == 1 else described.updated(weight_max=0.5)


def with_streams(config: EngineConfig, streams: dict[str, MarketData]) -> EngineConfig:
    """Bind the engine's settings to streams, keeping the features that all of them can have."""
    kept, removed = shared_features({name: data.columns for name, data in streams.items()}, config.features)
    described = {name: stream_config(data).model_dump() for name, data in streams.items()}
    return config.updated(streams=described, features=kept, features_removed=removed)


def split_for(config: QuickstartConfig, market: MarketData, *, name: str) -> Split:
    """Split a market into its periods, each long enough for what later stages do with it."""
    when = config.periods
    periods = split(
        market, train_end=when.train_end, validation_end=when.validation_end, embargo_bars=when.embargo_bars
    )
    warm_up = FeaturePipeline(config.engine.features).warm_up_bars
    window = warm_up + max(config.student.window_bars, config.router.window_bars)
    labelled = max(window, config.teacher.block_bars + 2)  # a block, the reading after it, and a return is two prices
    return require_bars(
        periods, name=name, train=labelled, validation=max(labelled, MIN_BARS + 1), test=max(window, _MEASURED_BARS)
    )


def returns_per_bar(data: MarketData) -> np.ndarray:
    """Return one log return per bar, 0 for the first."""
    return np.concatenate([np.zeros((1, len(data.assets))), data.log_returns()])
