"""The extremal index: how strongly extremes cluster."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Estimate, Number, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .jackknife import jackknife_error, leave_one_out


class Gaps(NamedTuple):
    """Times between consecutive exceedances, each at the place of the later one.

    Attributes:
        length: in steps; meaningless where not `valid`.
        valid: True at every exceedance but the first.
        exceeds: True at every exceedance.
        count: number of gaps.
    """

    length: Float[Array, " steps"]
    valid: Bool[Array, " steps"]
    exceeds: Bool[Array, " steps"]
    count: Float[Array, ""]


def exceedance_gaps(losses: Float[Array, " steps"], threshold: Number) -> Gaps:
    """Return the gaps between losses above the threshold."""
    exceeds = losses > jnp.asarray(threshold, losses.dtype)
    place = jnp.arange(losses.size)
    latest = lax.cummax(jnp.where(exceeds, place, -1))
    previous = jnp.concatenate([jnp.full(1, -1, latest.dtype), latest[:-1]])
    valid = exceeds & (previous >= 0)
    length = jnp.where(valid, place - previous, 1).astype(losses.dtype)
    return Gaps(length, valid, exceeds, jnp.sum(valid).astype(losses.dtype))


def likeliest(sums: Float[Array, " 4"], steps: Number) -> Float[Array, ""]:
    """Return the K-gaps estimate from the numbers of zero and positive gaps, their total excess and the exceedances."""
    inside, between, excess, exceedances = sums
    total = exceedances / steps * excess
    middle = total + inside + 2.0 * between
    safe = jnp.where(middle > 0.0, middle, 1.0)
    # The smaller root, in the form that does not cancel; without zero gaps the other one may be below 1 instead.
    discriminant = jnp.maximum(safe**2 - 8.0 * between * total, 0.0)
    return jnp.minimum(4.0 * between / (safe + jnp.sqrt(discriminant)), 1.0)


def k_gaps(gaps: Gaps, run_length: Number, outcome: Int[Array, ""]) -> Estimate:
    """Return `extremal_index` from the gaps; the run length may be traced."""
    steps = gaps.length.size
    excess = jnp.where(gaps.valid, jnp.maximum(gaps.length - jnp.asarray(run_length, gaps.length.dtype), 0.0), 0.0)
    positive = (excess > 0.0).astype(excess.dtype)
    columns = jnp.stack(
        [gaps.valid.astype(excess.dtype) - positive, positive, excess, gaps.exceeds.astype(excess.dtype)], axis=1
    )
    sums = jnp.sum(columns, axis=0)
    outcome = unless(outcome, sums[1] == 0.0, Outcome.TOO_SHORT)
    theta = likeliest(sums, float(steps))

    left_out = leave_one_out(jnp.concatenate([columns, jnp.ones_like(columns[:, :1])], axis=1))
    by_jackknife = jackknife_error(jax.vmap(likeliest)(left_out[:, :4], left_out[:, 4]))
    by_information = theta / jnp.sqrt(jnp.where(sums[1] > 0.0, 2.0 * sums[1], 1.0))
    return estimate(theta, jnp.where(sums[0] > 0.0, by_jackknife, by_information), outcome)


def extremal_index(losses: Float[Array, " steps"], *, threshold: Number, run_length: int) -> Estimate:
    r"""Estimate the extremal index from the K-gaps between exceedances.

    With gaps $T_i$ between consecutive exceedances, $S_i = \bar F(u) \max(T_i - K, 0)$, of which $N_0$ are zero (inside
    a cluster) and $N_1$ positive, the likelihood $(1-\theta)^{N_0} \theta^{2 N_1} e^{-\theta \sum S_i}$ has its maximum
    at the smaller root of

    $$\theta^2 \textstyle\sum S_i - \theta\,(\sum S_i + N_0 + 2 N_1) + 2 N_1 = 0$$

    Args:
        losses: in order of time.
        threshold: u; only losses above it count. It must be extreme: for independent losses a share
            of about K times the exceedance rate is mistaken for clusters.
        run_length: K >= 0, exceedances at most this many steps apart belong to one cluster.

    Returns:
        theta in (0, 1], where 1 is no clustering and 1/k is clusters of mean size k. Its standard error is a jackknife
        over ten blocks of time, because gaps depend on each other and the observed information can be wrong by a factor
        of two either way; without any zero gap it is theta / sqrt(2 N_1), from the information. NaN with TOO_SHORT if
        there are not two clusters; CONSTANT or NON_FINITE.

    Raises:
        ValueError: if `run_length` is negative.

    References:
        Süveges and Davison (2010), Annals of Applied Statistics 4(1), 203-221, eqs. 4-6.
    """
    if run_length < 0:
        raise ValueError(f"run_length must be at least 0, was {run_length}.")
    losses = jnp.asarray(losses, float)
    outcome = inspect(losses, minimum=3)
    if losses.size < 3:
        return no_estimate(outcome)
    gaps = exceedance_gaps(finite(losses), threshold)
    return k_gaps(gaps, run_length, outcome)


def extremal_index_intervals(losses: Float[Array, " steps"], *, threshold: Number) -> Estimate:
    r"""Estimate the extremal index from the first two moments of the gaps between exceedances.

    $$\hat\theta = \min\Bigl(1, \frac{2 (\sum_i a_i)^2}{m \sum_i a_i b_i}\Bigr)$$

    where $(a, b) = (T - 1, T - 2)$ if some gap $T_i > 2$ and $(a, b) = (T, T)$ if none is. No run length to choose, but
    noisier than `extremal_index`.

    Args:
        losses: in order of time.
        threshold: only losses above it count.

    Returns:
        theta in (0, 1] with its standard error by the delta method, which treats gaps as independent (and, where the
        estimate is capped at 1, belongs to the ratio before the cap). NaN with TOO_SHORT if there are fewer than two
        gaps; CONSTANT or NON_FINITE.

    References:
        Ferro and Segers (2003), J. R. Stat. Soc. B 65(2), 545-556.
    """
    losses = jnp.asarray(losses, float)
    outcome = inspect(losses, minimum=3)
    if losses.size < 3:
        return no_estimate(outcome)
    gaps = exceedance_gaps(finite(losses), threshold)
    outcome = unless(outcome, gaps.count < 2.0, Outcome.TOO_SHORT)
    # The shift removes the bias of short gaps, but is 0/0 when every gap is 1 or 2.
    shift = jnp.any(gaps.valid & (gaps.length > 2.0))
    first = jnp.where(gaps.valid, gaps.length - jnp.where(shift, 1.0, 0.0), 0.0)
    product = first * jnp.where(gaps.valid, gaps.length - jnp.where(shift, 2.0, 0.0), 0.0)
    count = jnp.maximum(gaps.count, 1.0)
    mean = jnp.where(gaps.count > 0.0, jnp.sum(first) / count, 1.0)  # positive: a gap > 2, or all at least 1
    mean_product = jnp.sum(product) / count
    mean_product = jnp.where(mean_product > 0.0, mean_product, 1.0)
    ratio = 2.0 * mean**2 / mean_product
    influence = jnp.where(gaps.valid, 2.0 * (first / mean - 1.0) - (product / mean_product - 1.0), 0.0)
    standard_error = ratio * jnp.sqrt(jnp.sum(influence**2)) / count
    return estimate(jnp.minimum(ratio, 1.0), standard_error, outcome)
