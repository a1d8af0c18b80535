"""What a teacher gives to a student's training: windows, targets of every window, paths to be compared with."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..config import ConfigError, StudentConfig
from ..core import PRNGKey, TeacherBatch, root_key, stream
from ..data import MarketData
from ..engine import Units
from ..signatures import signature_kernel
from ..student import NO_REGIME, Imitation, Targets, TrainData, Windows
from ..teacher import NFSDE, TeacherEmbedder, path_view, teacher_embed
from .labels import label_blocks, shares_of
from .prepared import Prepared
from .teacher_batch import teacher_batch, teacher_windows

_EMBEDDED_AT_ONCE = 512


class TaughtBy(NamedTuple):
    """A teacher with what lies beside it.

    Attributes:
        teacher: the model.
        embedder: what reads its latent state off a window of returns.
        units: they name its assets; None of one saved without.
    """

    teacher: NFSDE
    embedder: TeacherEmbedder
    units: Units | None

    def require(self, market: MarketData, *, window_bars: int) -> None:
        """Refuse a market of other assets, and windows that the embedder cannot read.

        Raises:
            ConfigError: says what differs.
        """
        if self.teacher.assets != len(market.assets):
            raise ConfigError(
                f"the teacher has {self.teacher.assets} assets, {market.symbol} has {len(market.assets)}: train a "
                "teacher on this market."
            )
        if self.units is not None and tuple(self.units.assets) != tuple(market.assets):
            raise ConfigError(
                f"the teacher was trained on {', '.join(self.units.assets)}; {market.symbol} holds "
                f"{', '.join(market.assets)}: train a teacher on this market."
            )
        if window_bars < self.embedder.bars:
            raise ConfigError(
                f"windows.window_bars must be at least {self.embedder.bars}, the bars that the teacher's embedder "
                f"reads, was {window_bars}."
            )


def taught_data(
    config: StudentConfig,
    prepared: Prepared,
    taught_by: TaughtBy,
    real: Windows,
    real_returns: Float[np.ndarray, "windows bars assets"],
    validation: Windows,
) -> TrainData:
    """Return everything that a student learns from when it has a teacher.

    The latent state is what the embedder says of a window, real or simulated: simulated states are known exactly, but
    no student could know them so. Regimes are those that drove the simulated windows; those of real ones are not known.

    Args:
        config: the settings.
        prepared: what was fitted on the training period.
        taught_by: the teacher.
        real: training windows.
        real_returns: their log returns.
        validation: later windows.
    """
    key = stream(root_key(config.seed), "teacher")
    batch = simulated_for(config, prepared, taught_by.teacher, key, paths=config.teacher.paths)
    bars = config.windows.window_bars
    return TrainData(
        real,
        jax.tree.map(np.asarray, teacher_windows(batch, prepared, window_bars=bars)),
        validation,
        _targets(taught_by, real_returns, np.full(len(real_returns), NO_REGIME)),
        _targets(taught_by, np.asarray(batch.returns)[:, -bars:], np.asarray(batch.regime)[:, -1]),
        imitation_of(config, prepared, batch),
    )


def simulated_for(
    config: StudentConfig, prepared: Prepared, teacher: NFSDE, key: PRNGKey, *, paths: int
) -> TeacherBatch:
    """Simulate paths long enough for the student's windows and comparisons, regimes as often as the market's blocks."""
    settings = config.teacher
    shares = shares_of(label_blocks(prepared.periods.train.log_returns(), block_bars=settings.block_bars).regime)
    needed = max(prepared.pipeline.warm_up_bars + config.windows.window_bars, config.distillation.path_bars)
    return teacher_batch(
        teacher,
        key,
        shares,
        paths=paths,
        blocks=-(-needed // settings.block_bars),
        block_bars=settings.block_bars,
    )


def _targets(taught_by: TaughtBy, returns: Float[np.ndarray, "windows bars assets"], regime: np.ndarray) -> Targets:
    read = eqx.filter_jit(teacher_embed)
    parts = [
        read(taught_by.embedder, jnp.asarray(returns[at : at + _EMBEDDED_AT_ONCE], jnp.float32))
        for at in range(0, len(returns), _EMBEDDED_AT_ONCE)
    ]
    mean, covariance = (np.concatenate([np.asarray(part[place], np.float32) for part in parts]) for place in (0, 1))
    return Targets(mean, covariance, np.asarray(regime, np.int32))


def imitation_of(config: StudentConfig, prepared: Prepared, batch: TeacherBatch) -> Imitation:
    """Take the last bars of the teacher's paths; units of the comparison are those of the market's training period."""
    settings = config.distillation
    market = jnp.asarray(prepared.periods.train.log_returns(), jnp.float32)
    view = path_view(stream(root_key(config.seed), "view"), market, channels=min(settings.channels, market.shape[1]))
    paths = jnp.asarray(np.asarray(batch.returns)[:, -settings.path_bars :], jnp.float32)
    kernel = signature_kernel(jax.vmap(view)(paths), depth=settings.depth)
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), prepared.trailing)
    return Imitation(paths, jnp.sqrt(single.base_variance), view, kernel, single)
