"""How far apart exceedances may lie and still belong to one cluster."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammainc, gammaincc
from jaxtyping import Array, Float, Int

from aurora_jax.core import Estimate, Number, Outcome, TestResult

from .degenerate import finite, inspect, no_estimate, unless
from .extremal_index import Gaps, exceedance_gaps, k_gaps


class RunLengths(NamedTuple):
    """The extremal index for each run length, with a test of whether that run length fits.

    Attributes:
        run_length: K = 0, 1, ...
        estimate: K-gaps estimates.
        test: information matrix test of each; NaN where there is no estimate.
        chosen: the smallest K whose test does not reject.
        best: the estimate at the chosen K, NOT_CONVERGED if every K is rejected (then the longest is taken).
    """

    run_length: Int[Array, " lengths"]
    estimate: Estimate
    test: TestResult
    chosen: Int[Array, ""]
    best: Estimate


def _information_test(gaps: Gaps, run_length: Number, index: Float[Array, ""]) -> TestResult:
    """Return the information matrix test of the K-gaps likelihood at its maximum."""
    share = jnp.mean(gaps.exceeds.astype(gaps.length.dtype))
    excess = share * jnp.maximum(gaps.length - jnp.asarray(run_length, gaps.length.dtype), 0.0)
    between = (excess > 0.0).astype(excess.dtype)
    inside = 1.0 - between
    # Without zero gaps the maximum is at 1 at most, where their terms are 0 / 0 but absent.
    left = jnp.where(index < 1.0, 1.0 - index, 1.0)
    score = 2.0 * between / index - inside / left - excess
    information = 2.0 * between / index**2 + inside / left**2
    slope = -2.0 * score * information + 4.0 * between / index**3 - 2.0 * inside / left**3
    count = jnp.maximum(gaps.count, 1.0)

    def mean(values):
        return jnp.sum(jnp.where(gaps.valid, values, 0.0)) / count

    difference = score**2 - information
    adjusted = difference - mean(slope) / mean(information) * score
    statistic = count * mean(difference) ** 2 / mean(adjusted**2)
    return TestResult(statistic, gammaincc(jnp.asarray(0.5, statistic.dtype), 0.5 * statistic))


def _crowding_test(gaps: Gaps, run_length: Number, index: Float[Array, ""], *, longest: int) -> Float[Array, ""]:
    """Return the chance that no gap length above K is as frequent as the most surprising one up to `longest` + 1."""
    lengths = jnp.arange(1, longest + 2, dtype=gaps.length.dtype)
    seen = jnp.sum(gaps.valid[:, None] & (gaps.length[:, None] == lengths[None, :]), axis=0).astype(lengths.dtype)
    beyond = lengths - jnp.asarray(run_length, lengths.dtype)
    rate = index * jnp.mean(gaps.exceeds.astype(lengths.dtype))
    expected = gaps.count * index * jnp.exp(-rate * (beyond - 1.0)) * -jnp.expm1(-rate)
    # Poisson tail: P(N >= n) is the regularised incomplete gamma function.
    chance = jnp.where((beyond > 0.0) & (seen > 0.0), gammainc(jnp.maximum(seen, 1.0), expected), 1.0)
    return jnp.minimum(1.0, jnp.sum(beyond > 0.0).astype(lengths.dtype) * jnp.min(chance))


def run_lengths(
    losses: Float[Array, " steps"], *, threshold: Number, longest: int, significance: float = 0.05
) -> RunLengths:
    r"""Estimate the extremal index for every run length up to `longest`, and choose one.

    If K is right the gaps' likelihood obeys the information equality $E u^2 = E i$ of score u and observed information
    i. White's test of it, with $d = u^2 - i$ and derivatives and means over the m gaps at $\hat\theta_K$,

    $$T_K = m\,\frac{\bar d^2}{\overline{(d - \bar{d'}\, u / \bar i)^2}} \sim \chi^2_1$$

    rejects a K that splits clusters (their inner gaps pass for long ones) and one that is so long that it joins them.

    Args:
        losses: in order of time.
        threshold: only losses above it count.
        longest: the largest K.
        significance: of the test, in (0, 1).

    Returns:
        All run lengths; outcomes as of `extremal_index`.

    Raises:
        ValueError: if `longest` is negative or `significance` out of range.

    References:
        Süveges and Davison (2010), Annals of Applied Statistics 4(1), 203-221, section 3; White (1982), Econometrica
        50(1), 1-25, theorem 4.1.
    """
    if longest < 0:
        raise ValueError(f"longest must be at least 0, was {longest}.")
    if not 0.0 < significance < 1.0:
        raise ValueError(f"significance must lie in (0, 1), was {significance}.")
    losses = jnp.asarray(losses, float)
    lengths = jnp.arange(longest + 1)
    outcome = inspect(losses, minimum=3)
    if losses.size < 3:
        none = no_estimate(outcome)
        curve = Estimate(*(jnp.broadcast_to(part, lengths.shape) for part in none))
        return RunLengths(lengths, curve, TestResult(curve.value, curve.value), lengths[-1], none)
    gaps = exceedance_gaps(finite(losses), threshold)
    estimates = jax.vmap(lambda length: k_gaps(gaps, length, outcome))(lengths)
    usable = estimates.outcome == Outcome.OK
    index = jnp.where(usable, estimates.value, 0.5)
    tests = jax.vmap(lambda length, value: _information_test(gaps, length, value))(lengths, index)
    crowding = jax.vmap(lambda length, value: _crowding_test(gaps, length, value, longest=longest))(lengths, index)
    fits = usable & (tests.p_value > significance) & (crowding > significance)
    # The first that fits; else the longest of those there are.
    place = jnp.where(jnp.any(fits), jnp.argmax(fits), jnp.maximum(jnp.sum(usable) - 1, 0))
    best = Estimate(*(part[place] for part in estimates))
    best = best._replace(outcome=unless(best.outcome, ~jnp.any(fits), Outcome.NOT_CONVERGED))
    tests = TestResult(*(jnp.where(usable, part, jnp.nan) for part in tests))
    return RunLengths(lengths, estimates, tests, lengths[place], best)
