"""From a configuration to a training: what it learns from, its steps, its embedder, and the name of the run."""

import hashlib

import equinox as eqx

from ..config import TeacherConfig
from ..core import root_key, stream
from ..data import MarketData, split
from ..teacher import NFSDE, Ablation, EmbedderFit, Weights, fit_embedder
from .labels import shares_of
from .run import bits
from .teacher_set import TeacherSet, teacher_set
from .trainer import Trainer, TrainSettings


def set_of(config: TeacherConfig, market: MarketData) -> TeacherSet:
    """Cut a market into what a configuration trains on and judges by."""
    periods = split(market, **config.periods.model_dump())
    model = config.model.model_dump()
    model["ablation"] = Ablation(**model.pop("ablation"))
    signature = config.signature
    return teacher_set(
        stream(root_key(config.seed), "teacher"),
        periods.train,
        periods.validation,
        block_bars=config.block_bars,
        window_bars=signature.window_bars,
        channels=signature.channels,
        signature_depth=signature.depth,
        bandwidth_medians=signature.bandwidth_medians,
        **model,
    )


def trainer_of(config: TeacherConfig, found: TeacherSet) -> Trainer:
    """Build the trainer of a configuration."""
    optimiser = config.optimiser.model_dump(exclude={"validate_every", "checkpoint_every"})
    settings = TrainSettings(
        weights=Weights(config.signature.weight, config.separation_weight),
        windows=config.signature.windows,
        depth=config.signature.depth,
        **optimiser,
    )
    return Trainer(found.start, stream(root_key(config.seed), "steps"), found.data, settings)


def embed(config: TeacherConfig, model: NFSDE, found: TeacherSet) -> EmbedderFit:
    """Fit what reads the teacher's factors off a window, on regimes as frequent as in training."""
    shares = shares_of(found.data.training.regime)
    key = stream(root_key(config.seed), "embedder")
    return fit_embedder(model, key, bars=config.signature.window_bars, regime_shares=shares)


def run_digest(config: TeacherConfig, market: MarketData, found: TeacherSet, *, code: str) -> str:
    """Return what names a run: its settings, its data, what was made of them, and the `code_digest` of every step."""
    made = hashlib.sha256(bits((eqx.filter(found.start, eqx.is_array), found.data))).hexdigest()[:16]
    return f"{config.digest()}-{market.digest[:16]}-{made}-{code}"
