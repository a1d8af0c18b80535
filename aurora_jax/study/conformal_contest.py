"""The conformal methods that are compared, and how they are run over scores."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..certification import (
    AbstractOnlineConformal,
    AdaptiveConformal,
    AdaptiveMiscoverage,
    BlockConformal,
    ConformalPid,
    EnsembleConformal,
    GuardedConformal,
    PlainConformal,
    QuantileTracking,
    ScaleMixture,
    WeightedConformal,
    WindowedConformal,
)

_COLD = 20
"""Scores until AURORA's controllers trust them: errors at scale 1 have no law of their own to start from, and from 19
on the least emitted alpha has a finite bound."""


def contestants(miscoverage: float) -> Mapping[str, AbstractOnlineConformal]:
    """Return every method with the settings of its paper, the same for all series."""
    return {
        "AURORA": GuardedConformal(ScaleMixture(miscoverage=miscoverage), cold_start_scores=_COLD),
        "AURORA, engine": AdaptiveConformal(miscoverage=miscoverage, cold_start_scores=_COLD),
        "ACI .005": AdaptiveMiscoverage(miscoverage=miscoverage),
        "ACI .05": AdaptiveMiscoverage(miscoverage=miscoverage, step_size=0.05),
        "DtACI": EnsembleConformal(miscoverage=miscoverage),
        "PID": ConformalPid(miscoverage=miscoverage),
        "quantile tracking": QuantileTracking(miscoverage=miscoverage),
        "plain": WindowedConformal(PlainConformal(), miscoverage=miscoverage),
        "weighted": WindowedConformal(WeightedConformal(decay_per_bar=0.01), miscoverage=miscoverage),
        "block": WindowedConformal(BlockConformal(block_bars=5), miscoverage=miscoverage),
    }


def bounds_of(method: AbstractOnlineConformal, scores: Float[np.ndarray, "bars ..."]) -> np.ndarray:
    """Return the score bound of each bar, known before it; of several series of one length beside each other."""
    return np.asarray(_replay(method, jnp.asarray(scores)))


@eqx.filter_jit
def _replay(method: AbstractOnlineConformal, scores: Float[Array, "bars ..."]) -> Float[Array, "bars ..."]:
    def bar(state, score):
        bound = method.interval(state, 0.0, 1.0).upper
        return method.step(state, score)[0], bound

    def one(series):
        return jax.lax.scan(bar, method.init(), series)[1]

    return one(scores) if scores.ndim == 1 else jax.vmap(one, in_axes=1, out_axes=1)(scores)
