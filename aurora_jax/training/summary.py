"""What a finished training tells: the record beside the teacher, and its table of regimes."""

import jax
import numpy as np

from .. import __version__
from ..config import TeacherConfig
from ..data import MarketData
from ..teacher import NFSDE, Calibration
from .run import Outcome
from .teacher_set import TeacherSet


def learnt(model: NFSDE) -> dict[str, list[float]]:
    """Return what a teacher learnt of each regime, by name."""
    table = model.by_regime()
    volatility = np.sqrt(np.mean(np.sum(np.asarray(table.price_factor, float) ** 2, axis=2), axis=1))
    return {
        "H of volatility": np.asarray(table.hurst, float)[:, 0].tolist(),
        "vol of volatility": np.asarray(table.volatility_of_volatility, float)[:, 0].tolist(),
        "leverage": np.asarray(table.leverage, float).tolist(),
        "volatility": volatility.tolist(),
        "jumps per bar": np.asarray(jax.vmap(_rate)(table.jump_law), float).tolist(),
        "contagion": np.asarray(table.jump_law.contagion, float).tolist(),
    }


def summary_of(
    config: TeacherConfig,
    market: MarketData,
    found: TeacherSet,
    result: Outcome,
    embedded: Calibration,
    *,
    code: str,
) -> dict[str, object]:
    """Return the record of a training: what it was asked, what it was made from, and what came of it.

    `code` is the `code_digest` at its start: sources may have changed since.
    """
    jumps = result.model.jumps
    return {
        "config_digest": config.digest(),
        "config": config.model_dump(mode="json"),
        "code_digest": code,
        "data": {"symbol": market.symbol, "sha256": market.digest, "source": market.source, "licence": market.licence},
        "versions": {"aurora_jax": __version__, "jax": jax.__version__},
        "steps": result.steps,
        "stopped_early": result.stopped_early,
        "held_out_nats_per_bar": {"before": result.score_before, "after": result.best_score},
        "signature_bandwidth": float(found.data.kernel.bandwidth),
        "by_regime": learnt(result.model),
        "branching_ratio": float(result.model.branching_ratio),
        "excitation_decay_per_bar": float(jumps.excitation.decay),
        "tail_index_of_jumps": 1.0 / float(jumps.degrees_of_freedom),
        "scale_persistence_bars": 1.0 / float(jumps.mixing.renewal_rate),
        "embedder": {"window_bars": config.signature.window_bars, **_told(embedded)},
    }


def _rate(law):
    return law.baseline(0.0 * law.response)


def _told(embedded: Calibration) -> dict[str, object]:
    """Return the calibration on held-out simulated windows: shares explained, and each value with its error."""
    told: dict[str, object] = {"explained_variance": np.asarray(embedded.explained_variance, float).tolist()}
    for name in ("error", "squared_error", "coverage_90", "nats"):
        found = getattr(embedded, name)
        told[name] = {"value": float(found.value), "standard_error": float(found.standard_error)}
    return told
