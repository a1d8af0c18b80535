"""What follows when a transfer is not ready or the causal field not certified: conservative mode."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number

from .transfer_verdict import Verdict


class Conservative(NamedTuple):
    """How to act until a recalibration.

    Attributes:
        active: whether conservative mode is on; the rest is as usual where it is not.
        miscoverage_max: the largest miscoverage that may be emitted: the least there is, so the widest intervals.
        radius_multiplier: on the radius of the worst-case shortfall, >= 1.
        risk_scale_max: the largest scale of positions.
        drivers: series that may be used for scaling: those that drive in both domains.
        recalibration_requested: whether to ask for a recalibration.
    """

    active: Bool[Array, "*batch"]
    miscoverage_max: Float[Array, "*batch"]
    radius_multiplier: Float[Array, "*batch"]
    risk_scale_max: Float[Array, "*batch"]
    drivers: Bool[Array, "*batch nodes"]
    recalibration_requested: Bool[Array, "*batch"]


def conservative_mode(
    verdict: Int[Array, "*batch"],
    certified: Bool[Array, "*batch"],
    drivers: Bool[Array, "*batch nodes"],
    *,
    miscoverage_min: Number,
    miscoverage_max: Number,
    derisk_scale: Number,
    radius_multiplier: Number = 1.5,
) -> Conservative:
    """Return what a verdict implies: conservative mode unless it is READY and the field is certified.

    UNDECIDED is not READY: ignorance is treated as a refusal. A recalibration is asked for where the target was seen
    to differ, NOT_READY; where too little was seen there is nothing to calibrate on yet.

    Args:
        verdict: `Verdict` code of the transfer gate.
        certified: the causal coverage certificate's flag.
        drivers: from the verdict.
        miscoverage_min: alpha_min of the controller, in (0, 1).
        miscoverage_max: its alpha_max, the usual bound.
        derisk_scale: scale of positions under DERISK, in [0, 1].
        radius_multiplier: at least 1.
    """
    active = (verdict != Verdict.READY) | ~certified

    def either(strict, usual):
        return jnp.where(active, jnp.asarray(strict, float), jnp.asarray(usual, float))

    return Conservative(
        active=active,
        miscoverage_max=either(miscoverage_min, miscoverage_max),
        radius_multiplier=either(radius_multiplier, 1.0),
        risk_scale_max=either(derisk_scale, 1.0),
        drivers=drivers | ~active[..., None],
        recalibration_requested=verdict == Verdict.NOT_READY,
    )
