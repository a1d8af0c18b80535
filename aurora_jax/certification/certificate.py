"""The record that accompanies a decision: what was promised, on what evidence, and whether it may be used."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Interval, Outcome

from .adaptive_conformal import ConformalState, Emission
from .kappa_score import KappaParts


class Certificate(NamedTuple):
    """What AURORA certifies about the next bar of one asset.

    Attributes:
        interval: the emitted interval, with the emitted miscoverage and the saturation flag.
        state_miscoverage: the unclipped integrator behind it.
        quantile: the score bound q of the emitted interval.
        coverage_ema: exponential mean of emitted coverage until now.
        bcc: calibration of trailing coverage, in [0, 1].
        kappa_parts: uncertainty of state, model and forecast.
        outcome: OK, WARMING_UP at cold start, REFUSED where the controller asks for an infinite interval.
    """

    interval: Interval
    state_miscoverage: Float[Array, ""]
    quantile: Float[Array, ""]
    coverage_ema: Float[Array, ""]
    bcc: Float[Array, ""]
    kappa_parts: KappaParts
    outcome: Int[Array, ""]


def certify(
    state: ConformalState, emission: Emission, interval: Interval, *, bcc: Float[Array, ""], kappa_parts: KappaParts
) -> Certificate:
    """Assemble the certificate of `interval`, which `state` emitted as `emission`.

    An infinite interval asked for outranks a cold start: it is an abstention whatever the evidence.
    """
    outcome = jnp.where(emission.cold, int(Outcome.WARMING_UP), int(Outcome.OK))
    outcome = jnp.where(emission.infinite, int(Outcome.REFUSED), outcome)
    return Certificate(interval, state.miscoverage, emission.quantile, state.coverage_ema, bcc, kappa_parts, outcome)
