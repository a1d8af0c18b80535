"""The record that accompanies a decision: what was promised, on what evidence, and whether it may be used."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Interval, Outcome

from .adaptive_conformal import ConformalState, Emission
from .kappa_score import KappaParts
from .transfer_verdict import Verdict


class Standing(NamedTuple):
    """What is known of a stream beside its bars, until it is judged anew.

    Attributes:
        transfer: `Verdict` code: may what was learnt elsewhere be used here.
        causal_coverage: its causal tail field is certified (CCC).
        conservative: it is served in conservative mode, as one of the two is not good enough. A stream that no gate has
            seen is UNDECIDED and not conservative.
    """

    transfer: Int[Array, ""]
    causal_coverage: Bool[Array, ""]
    conservative: Bool[Array, ""]

    @classmethod
    def unjudged(cls) -> "Standing":
        """Return that of a stream that no gate has seen: UNDECIDED, not certified."""
        return cls(jnp.asarray(int(Verdict.UNDECIDED)), jnp.asarray(False), jnp.asarray(False))


class Certificate(NamedTuple):
    """What AURORA certifies about the next bar of one asset.

    Attributes:
        interval: the emitted interval, with the emitted miscoverage and the saturation flag.
        state_miscoverage: the unclipped integrator behind it.
        quantile: the score bound q of the emitted interval.
        coverage_ema: exponential mean of emitted coverage until now.
        bcc: calibration of trailing coverage, in [0, 1].
        kappa_parts: uncertainty of state, model and forecast.
        standing: of the stream: transfer verdict and causal coverage.
        outcome: OK, WARMING_UP at cold start, REFUSED where the controller asks for an infinite interval.
    """

    interval: Interval
    state_miscoverage: Float[Array, ""]
    quantile: Float[Array, ""]
    coverage_ema: Float[Array, ""]
    bcc: Float[Array, ""]
    kappa_parts: KappaParts
    standing: Standing
    outcome: Int[Array, ""]


def certify(
    state: ConformalState,
    emission: Emission,
    interval: Interval,
    *,
    bcc: Float[Array, ""],
    kappa_parts: KappaParts,
    standing: Standing,
) -> Certificate:
    """Assemble the certificate of `interval`, which `state` emitted as `emission`.

    An infinite interval asked for outranks a cold start: it is an abstention whatever the evidence.
    """
    outcome = jnp.where(emission.cold, int(Outcome.WARMING_UP), int(Outcome.OK))
    outcome = jnp.where(emission.infinite, int(Outcome.REFUSED), outcome)
    return Certificate(
        interval, state.miscoverage, emission.quantile, state.coverage_ema, bcc, kappa_parts, standing, outcome
    )
