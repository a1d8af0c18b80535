"""From a configuration to a student's training: its periods and features, its windows, its network, its trainer."""

import hashlib
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from flax import nnx

from ..config import ConfigError, StudentConfig
from ..core import root_key, stream
from ..data import MarketData, require_bars, split, windows
from ..engine import TrainedStudent, shared_features
from ..student import DSSM, DistillationSettings, TrainData, Trainer, TrainSettings
from .prepared import Prepared, prepare
from .run import bits
from .taught import TaughtBy, taught_data
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


def student_set(config: StudentConfig, market: MarketData, taught_by: TaughtBy | None = None) -> StudentSet:
    """Fit what precedes the network, cut real windows, and let the teacher say and simulate what is learnt of it.

    Args:
        config: the settings.
        market: the data.
        taught_by: trained on the same assets; without one only real windows are used.

    Raises:
        ConfigError: if the data allow none of the features, the teacher is of other assets, or a window is shorter than
            its embedder's.
        DataError: if a period is too short.
    """
    features, removed = shared_features({market.symbol: market.columns}, config.features)
    if not features:
        raise ConfigError(f"features: {market.symbol} allows none of them ({'; '.join(removed.values())}).")
    bars = config.windows.window_bars
    if taught_by is not None:
        taught_by.require(market, window_bars=bars)
    periods = split(market, **config.periods.model_dump())
    prepared = prepare(require_bars(periods, name=market.symbol, train=2 * bars), features)
    lead = prepared.pipeline.warm_up_bars
    require_bars(periods, name=market.symbol, train=lead + bars, validation=bars)
    whole = prepared.inputs(market)  # features and scales of later periods have a past, too
    rows = {name: _rows(market, getattr(periods, name)) for name in ("train", "validation")}
    shape = {"length_bars": bars, "start": 0}
    real = cut(_part(whole, lead, rows["train"].stop), stride_bars=config.windows.stride_bars, **shape)
    validation = cut(_part(whole, rows["validation"].start, rows["validation"].stop), stride_bars=bars, **shape)
    if taught_by is None:
        return StudentSet(prepared, TrainData(real, jax.tree.map(lambda leaf: leaf[:0], real), validation), removed)
    returns = np.concatenate([np.zeros((1, len(market.assets))), market.log_returns()])[lead : rows["train"].stop]
    cuts = windows(returns, length_bars=bars, stride_bars=config.windows.stride_bars)
    return StudentSet(prepared, taught_data(config, prepared, taught_by, real, cuts, validation), removed)


def student_trainer(config: StudentConfig, found: StudentSet) -> Trainer:
    """Build the trainer of a configuration."""
    root, prepared = root_key(config.seed), found.prepared
    network = DSSM(
        len(prepared.pipeline.names),
        **config.model.model_dump(),
        degrees_of_freedom=prepared.scale.degrees_of_freedom,
        rngs=nnx.Rngs(int(jax.random.bits(stream(root, "network"), dtype=np.uint32))),
    )
    optimiser = config.optimiser.model_dump(exclude={"validate_every", "checkpoint_every"})
    distillation = None
    if found.data.imitation is not None:
        distillation = DistillationSettings(**config.distillation.model_dump(exclude={"path_bars", "channels"}))
    settings = TrainSettings(teacher_share=config.teacher.share, distillation=distillation, **optimiser)
    return Trainer(network, stream(root, "steps"), found.data, settings)


def trained_student(market: MarketData, found: StudentSet, network: DSSM) -> TrainedStudent:
    """Return a network with what it needs to read its stream."""
    prepared = found.prepared
    return TrainedStudent(market.assets, prepared.pipeline.names, network, prepared.standardiser, prepared.trailing)


def student_digest(config: StudentConfig, market: MarketData, found: StudentSet, *, code: str) -> str:
    """Return what names a run: its settings, its data, what was made of them, the teacher's windows included."""
    made = hashlib.sha256(bits((found.prepared.trailing, eqx.filter(found.data, eqx.is_array)))).hexdigest()[:16]
    return f"{config.digest()}-{market.digest[:16]}-{made}-{code}"


def _rows(market: MarketData, period: MarketData) -> slice:
    first = int(np.searchsorted(market.times, period.times[0]))
    return slice(first, first + len(period.times))


def _part(inputs: Inputs, start: int, stop: int) -> Inputs:
    return Inputs(*jax.tree.map(lambda part: part[start:stop], inputs))
