"""From a market's history to what the teacher is trained on and judged by."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..data import DataError, MarketData
from ..teacher import (
    NFSDE,
    CrossSection,
    TeacherData,
    VolatilityMeasure,
    Windows,
    cross_sectional_log_volatility,
    initial_model,
    kernel_of,
    path_view,
    range_log_volatility,
    teacher_data,
)
from .labels import label_blocks
from .trainer import TrainData


class Reading(NamedTuple):
    """Readings of a period and what later ones must be relative to."""

    measure: VolatilityMeasure
    cross_section: CrossSection | None
    reference_variance: Float[Array, ""] | None


def read_volatility(market: MarketData, before: Reading | None = None) -> Reading:
    """Read the volatility factor of each return: off the range for one asset that has it, else off the cross-section.

    The range is that of the bar at whose close the return ends.

    Args:
        market: the period.
        before: readings of the training period, in whose units these shall be.
    """
    returns = jnp.asarray(market.log_returns(), jnp.float32)
    if len(market.assets) == 1 and market.high is not None and market.low is not None:
        high, low = (jnp.asarray(table[1:, 0], jnp.float32) for table in (market.high, market.low))
        measure, variance = range_log_volatility(high, low, None if before is None else before.reference_variance)
        return Reading(measure, None, variance)
    measure = cross_sectional_log_volatility(returns, None if before is None else before.cross_section)
    return Reading(measure, measure.cross_section, None)


class TeacherSet(NamedTuple):
    """Everything that a training needs but its settings."""

    data: TrainData
    start: NFSDE
    training: Reading


def teacher_set(
    key: PRNGKey,
    training: MarketData,
    held_out: MarketData,
    *,
    block_bars: int,
    window_bars: int,
    channels: int,
    signature_depth: int,
    bandwidth_medians: float,
    **model: object,
) -> TeacherSet:
    """Label blocks by BIC, cut windows, and start a teacher from the training period's moments.

    Args:
        key: parent of the streams used here.
        training: the period to learn from.
        held_out: a later one, to be judged on.
        block_bars: bars of a regime block.
        window_bars: bars of the windows whose paths are compared; at most `block_bars`.
        channels: that the signature sees; at most the number of assets.
        signature_depth: of the signatures.
        bandwidth_medians: of their kernel, in medians of the distance between two training windows.
        model: settings of `initial_model`.

    Raises:
        DataError: if a period is shorter than a block and a bar.
        ValueError: if a setting is out of range, or there are fewer than 4 training windows; names it.
    """
    if not 1 < window_bars <= block_bars:
        raise ValueError(f"window_bars must lie between 2 and the {block_bars} bars of a block, was {window_bars}.")
    for name, period in (("training", training), ("held-out", held_out)):
        if len(period.times) < block_bars + 2:
            raise DataError(
                f"{period.symbol}: the {name} period holds {len(period.times)} bars, a block needs {block_bars + 2}: "
                "use shorter blocks or a longer period."
            )
    reading = read_volatility(training)
    blocks = _blocks(training, reading.measure, block_bars)
    later = _blocks(held_out, read_volatility(held_out, reading).measure, block_bars)
    returns = jnp.asarray(training.log_returns(), jnp.float32)
    view = path_view(stream(key, "view"), returns, channels=min(channels, returns.shape[1]))
    windows = windows_of(blocks, window_bars)
    kernel = kernel_of(windows, view, depth=signature_depth, bandwidth_medians=bandwidth_medians)
    data = TrainData(blocks, later, windows, view, kernel)
    start = initial_model(stream(key, "model"), **_moments(returns, reading.measure), **model)  # pyright: ignore[reportArgumentType]
    return TeacherSet(data, start, reading)


def windows_of(blocks: TeacherData, window_bars: int) -> Windows:
    """Cut each block into windows; what is left over is left out."""
    count, bars, assets = blocks.returns.shape
    each = bars // window_bars
    starts = blocks.smooth_log_volatility[:, : each * window_bars : window_bars]
    return Windows(
        blocks.returns[:, : each * window_bars].reshape(count * each, window_bars, assets),
        starts.reshape(count * each, -1),
        jnp.repeat(blocks.regime, each, total_repeat_length=count * each),
    )


def _blocks(market: MarketData, measure: VolatilityMeasure, block_bars: int) -> TeacherData:
    returns = np.asarray(market.log_returns())
    labels = label_blocks(returns[:-1], block_bars=block_bars)  # the reading after the last block is needed
    return teacher_data(jnp.asarray(returns, jnp.float32), measure, labels.regime, block_bars=block_bars)


def _moments(returns: Float[Array, "bars assets"], measure: VolatilityMeasure) -> dict:
    """Return mean and covariance of returns divided by their bar's volatility: what L(z) stands for."""
    smooth = _smoothed(jnp.sum(measure.log_volatility, axis=1))
    calm = returns * jnp.exp(-smooth)[:, None]
    scale = jnp.minimum(jnp.mean(returns**2) / jnp.mean(calm**2), 1.5)
    return {"mean_return": jnp.mean(returns, axis=0), "covariance": scale * calm.T @ calm / returns.shape[0]}


def _smoothed(reading: Float[Array, " bars"], bars: float = 10.0) -> Float[Array, " bars"]:
    weight = jnp.asarray(1.0 / (1.0 + bars), reading.dtype)

    def smooth(before, now):
        after = before + weight * (now - before)
        return after, after

    return jax.lax.scan(smooth, reading[0], reading)[1]
