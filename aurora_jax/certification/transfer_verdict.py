"""The verdict on a transfer, and what it rests on."""

import enum
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Estimate, Number, Outcome


class Verdict(enum.IntEnum):
    """Whether what was learnt on the source may be used on the target."""

    READY = 0
    NOT_READY = 1
    UNDECIDED = 2


class TransferErrors(NamedTuple):
    """Standard errors of what a verdict rests on."""

    ctr: Float[Array, "*batch"]
    dcts: Float[Array, "*batch"]
    d_tail_index: Float[Array, "*batch"]
    d_hurst: Float[Array, "*batch"]


class TransferVerdict(NamedTuple):
    """What the transfer gate says, and on what evidence.

    Attributes:
        verdict: `Verdict` code.
        ctr: share of the source's causal tail edges found again in the target.
        dcts: cosine similarity of the edges' effects.
        d_tail_index: the target's tail index less the source's.
        d_hurst: the target's Hurst exponent less the source's.
        standard_errors: of the four.
        outcomes: `Outcome` codes of the four, in the same order; NaN where not OK.
        drivers: series that drive another in both domains: those that may be used for scaling.
        tail_count: extremes per series, of the shorter domain.
    """

    verdict: Int[Array, "*batch"]
    ctr: Float[Array, "*batch"]
    dcts: Float[Array, "*batch"]
    d_tail_index: Float[Array, "*batch"]
    d_hurst: Float[Array, "*batch"]
    standard_errors: TransferErrors
    outcomes: Int[Array, "*batch 4"]
    drivers: Bool[Array, "*batch nodes"]
    tail_count: Int[Array, "*batch"]


class Margins(NamedTuple):
    """By how much each statistic passes its threshold, how far from the best it may be, and its standard error."""

    passed_by: Float[Array, " statistics"]
    tolerance: Float[Array, " statistics"]
    standard_error: Float[Array, " statistics"]
    outcome: Int[Array, " statistics"]


def margins(
    ctr: Estimate, dcts: Estimate, d_tail_index: Estimate, d_hurst: Estimate, thresholds: tuple[Number, ...]
) -> Margins:
    """Return the margins; `thresholds` are the least CTR and DCTS and the largest |d_xi| and |d_H|."""
    ctr_min, dcts_min, tail_max, hurst_max = (jnp.asarray(value, float) for value in thresholds)
    return Margins(
        jnp.stack(
            [
                ctr.value - ctr_min,
                dcts.value - dcts_min,
                tail_max - jnp.abs(d_tail_index.value),
                hurst_max - jnp.abs(d_hurst.value),
            ]
        ),
        jnp.stack([1.0 - ctr_min, 1.0 - dcts_min, tail_max, hurst_max]),
        jnp.stack([part.standard_error for part in (ctr, dcts, d_tail_index, d_hurst)]),
        jnp.stack([part.outcome for part in (ctr, dcts, d_tail_index, d_hurst)]),
    )


def decide(found: Margins, *, enough: Bool[Array, ""] | bool, deviations: Number) -> Int[Array, ""]:
    """Return the `Verdict`.

    * UNDECIDED where there is too little to judge by: not `enough` extremes, or a statistic that cannot be had;
    * READY where all four pass and none is so noisy that passing means nothing (error above the tolerance);
    * NOT_READY where one fails by more than `deviations` standard errors;
    * else UNDECIDED: what fails does so within its error.
    """
    known = jnp.all(found.outcome == Outcome.OK) & enough
    sharp = jnp.all(found.standard_error <= found.tolerance)
    passed = jnp.all(found.passed_by >= 0.0)
    failed = jnp.any(found.passed_by < -deviations * found.standard_error)
    verdict = jnp.where(failed, int(Verdict.NOT_READY), int(Verdict.UNDECIDED))
    verdict = jnp.where(passed & sharp, int(Verdict.READY), verdict)
    return jnp.where(known, verdict, int(Verdict.UNDECIDED))
