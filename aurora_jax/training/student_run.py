"""From a configuration to a student's training: its periods and features, its windows, its network, its trainer."""

import hashlib
from typing import NamedTuple

import jax
import numpy as np
from flax import nnx

from ..config import ConfigError, StudentConfig
from ..core import root_key, stream
from ..data import MarketData, require_bars, split
from ..engine import TrainedStudent, Units, shared_features
from ..student import DSSM, TrainData, Trainer, TrainSettings, Windows
from ..teacher import NFSDE
from .prepared import Prepared, prepare
from .run import bits
from .teacher_batch import regime_shares, teacher_batch, teacher_windows
from .windows import Inputs, cut


class StudentSet(NamedTuple):
    """Everything that a student's training needs but its settings.

    Attributes:
        prepared: what was fitted on the training period.
        data: windows to train on and to be judged by.
        removed: features of the configuration that the data's columns do not allow, each with the reason.
    """

    prepared: Prepared
    data: TrainData
    removed: dict[str, str]


def student_set(
    config: StudentConfig, market: MarketData, teacher: NFSDE | None = None, units: Units | None = None
) -> StudentSet:
    """Fit what precedes the network, cut real windows, and simulate the teacher's.

    Args:
        config: the settings.
        market: the data.
        teacher: trained on the same assets; without one only real windows are used.
        units: that lie beside the teacher; they name its assets.

    Raises:
        ConfigError: if the data allow none of the features, or the teacher is of other assets.
        DataError: if a period is too short.
    """
    features, removed = shared_features({market.symbol: market.columns}, config.features)
    if not features:
        raise ConfigError(f"features: {market.symbol} allows none of them ({'; '.join(removed.values())}).")
    _require_assets(market, teacher, units)
    bars = config.windows.window_bars
    periods = split(market, **config.periods.model_dump())
    prepared = prepare(require_bars(periods, name=market.symbol, train=2 * bars), features)
    lead = prepared.pipeline.warm_up_bars
    require_bars(periods, name=market.symbol, train=lead + bars, validation=bars)
    whole = prepared.inputs(market)  # features and scales of later periods have a past, too
    rows = {name: _rows(market, getattr(periods, name)) for name in ("train", "validation")}
    shape = {"length_bars": bars, "start": 0}
    real = cut(_part(whole, lead, rows["train"].stop), stride_bars=config.windows.stride_bars, **shape)
    validation = cut(_part(whole, rows["validation"].start, rows["validation"].stop), stride_bars=bars, **shape)
    return StudentSet(prepared, TrainData(real, _simulated(config, prepared, teacher, real), validation), removed)


def student_trainer(config: StudentConfig, found: StudentSet) -> Trainer:
    """Build the trainer of a configuration."""
    root, prepared = root_key(config.seed), found.prepared
    network = DSSM(
        len(prepared.pipeline.names),
        hidden=config.model.hidden,
        latent=config.model.latent,
        degrees_of_freedom=prepared.scale.degrees_of_freedom,
        rngs=nnx.Rngs(int(jax.random.bits(stream(root, "network"), dtype=np.uint32))),
    )
    optimiser = config.optimiser.model_dump(exclude={"validate_every", "checkpoint_every"})
    settings = TrainSettings(teacher_share=config.teacher.share, **optimiser)
    return Trainer(network, stream(root, "steps"), found.data, settings)


def trained_student(market: MarketData, found: StudentSet, network: DSSM) -> TrainedStudent:
    """Return a network with what it needs to read its stream."""
    prepared = found.prepared
    return TrainedStudent(market.assets, prepared.pipeline.names, network, prepared.standardiser, prepared.trailing)


def student_digest(config: StudentConfig, market: MarketData, found: StudentSet, *, code: str) -> str:
    """Return what names a run: its settings, its data, what was made of them, the teacher's windows included."""
    made = hashlib.sha256(bits((found.prepared.trailing, found.data))).hexdigest()[:16]
    return f"{config.digest()}-{market.digest[:16]}-{made}-{code}"


def _require_assets(market: MarketData, teacher: NFSDE | None, units: Units | None) -> None:
    if teacher is None:
        return
    if teacher.assets != len(market.assets):
        raise ConfigError(f"the teacher has {teacher.assets} assets, {market.symbol} has {len(market.assets)}.")
    if units is not None and tuple(units.assets) != tuple(market.assets):
        raise ConfigError(
            f"the teacher was trained on {', '.join(units.assets)}; {market.symbol} holds {', '.join(market.assets)}: "
            "train a teacher on this market."
        )


def _simulated(config: StudentConfig, prepared: Prepared, teacher: NFSDE | None, real: Windows) -> Windows:
    if teacher is None:
        return Windows(*jax.tree.map(lambda leaf: leaf[:0], real))
    settings, bars = config.teacher, config.windows.window_bars
    shares = regime_shares(prepared.periods.train.log_returns(), block_bars=settings.block_bars)
    needed = prepared.pipeline.warm_up_bars + bars
    batch = teacher_batch(
        teacher,
        stream(root_key(config.seed), "teacher"),
        shares,
        paths=settings.paths,
        blocks=-(-needed // settings.block_bars),
        block_bars=settings.block_bars,
    )
    return jax.tree.map(np.asarray, teacher_windows(batch, prepared, window_bars=bars))


def _rows(market: MarketData, period: MarketData) -> slice:
    first = int(np.searchsorted(market.times, period.times[0]))
    return slice(first, first + len(period.times))


def _part(inputs: Inputs, start: int, stop: int) -> Inputs:
    return Inputs(*jax.tree.map(lambda part: part[start:stop], inputs))
