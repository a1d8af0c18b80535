"""Does a value at risk break as often as it should, and at times that cannot be foretold?"""

from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlogy
from jax.scipy.stats import chi2
from jaxtyping import Array, Bool, Float, Integer

from aurora_jax.core import Number, TestResult, require_x64

from .forecasts import check_tail_probability

Hits: TypeAlias = Bool[Array | np.ndarray, " days"] | Integer[Array | np.ndarray, " days"]
"""One entry a day, oldest first: true (or not 0) where the loss exceeded the value at risk."""


class CoverageResult(NamedTuple):
    """A test of conditional coverage with the two parts that it adds up.

    Attributes:
        statistic: of conditional coverage, the sum of the other two.
        p_value: from chi-squared with two degrees of freedom.
        unconditional: the right number of hits (Kupiec), one degree of freedom.
        independence: a hit today says nothing about tomorrow, one degree of freedom.
    """

    statistic: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]
    unconditional: TestResult
    independence: TestResult


def kupiec(hits: Hits, *, tail_probability: Number) -> TestResult:
    r"""Test that hits come with probability p.

    With x hits on T days and $\hat\pi = x / T$,

    $$LR_{uc} = -2 \log \frac{p^x (1 - p)^{T - x}}{\hat\pi^x (1 - \hat\pi)^{T - x}} \sim \chi^2_1$$

    Args:
        hits: one entry a day.
        tail_probability: p in (0, 1), e.g. 0.01 for a 99 % value at risk; known at trace time.

    Raises:
        ValueError: if there is no day, hits are neither flags nor integers, or p is out of range.

    References:
        Kupiec (1995), J. Derivatives 3(2), 73-84, eq. 6.
    """
    require_x64("kupiec")
    broken = as_flags(hits)
    check_tail_probability(tail_probability)
    ones = jnp.sum(broken, dtype=float)
    zeros = broken.size - ones
    likelihood = xlogy(ones, tail_probability) + xlogy(zeros, 1.0 - tail_probability)
    return _likelihood_ratio(likelihood, _bernoulli(zeros, ones))


def christoffersen(hits: Hits, *, tail_probability: Number) -> CoverageResult:
    r"""Test that hits come with probability p whatever happened the day before.

    With $n_{ij}$ the days in state j after a day in state i (hit = 1), $\hat\pi_i = n_{i1} / (n_{i0} + n_{i1})$ and
    $\hat\pi = (n_{01} + n_{11}) / (T - 1)$,

    $$LR_{ind} = -2 \log \frac{(1 - \hat\pi)^{n_{00} + n_{10}} \hat\pi^{n_{01} + n_{11}}}
      {(1 - \hat\pi_0)^{n_{00}} \hat\pi_0^{n_{01}} (1 - \hat\pi_1)^{n_{10}} \hat\pi_1^{n_{11}}},
      \qquad LR_{cc} = LR_{uc} + LR_{ind} \sim \chi^2_2$$

    The unconditional part counts all T days, as `kupiec` does. Without any hit nothing contradicts independence: its
    statistic is 0.

    Args:
        hits: one entry a day.
        tail_probability: p in (0, 1); known at trace time.

    Raises:
        ValueError: if there are fewer than two days or p is out of range.

    References:
        Christoffersen (1998), International Economic Review 39(4), 841-862, eq. 6-9.
    """
    if np.size(hits) < 2:
        raise ValueError(f"christoffersen needs at least 2 days, were {np.size(hits)}.")
    unconditional = kupiec(hits, tail_probability=tail_probability)
    broken = as_flags(hits)
    before, after = broken[:-1], broken[1:]
    n00, n01 = _count(~before & ~after), _count(~before & after)
    n10, n11 = _count(before & ~after), _count(before & after)
    independence = _likelihood_ratio(_bernoulli(n00 + n10, n01 + n11), _bernoulli(n00, n01) + _bernoulli(n10, n11))
    statistic = unconditional.statistic + independence.statistic
    return CoverageResult(statistic, chi2.sf(statistic, 2), unconditional, independence)


def as_flags(hits: Hits) -> Bool[Array, " days"]:
    """Return hits as booleans.

    Raises:
        ValueError: if there is no day or an entry is neither a flag nor an integer.
    """
    if np.size(hits) == 0:
        raise ValueError("hits must hold at least one day, were empty.")
    flags = jnp.asarray(hits)
    if not (jnp.issubdtype(flags.dtype, jnp.bool_) or jnp.issubdtype(flags.dtype, jnp.integer)):
        # A number with a point may be NaN, or a return: both would pass for a hit.
        raise ValueError(f"hits must be flags or integers, were {flags.dtype}.")
    return flags.astype(bool)


def _count(days: Bool[Array, " days"]) -> Float[Array, ""]:
    return jnp.sum(days, dtype=float)


def _bernoulli(zeros: Float[Array, ""], ones: Float[Array, ""]) -> Float[Array, ""]:
    """Return the log-likelihood of zeros and ones at their own frequency; 0 of nothing."""
    total = jnp.maximum(zeros + ones, 1.0)
    return xlogy(zeros, zeros / total) + xlogy(ones, ones / total)


def _likelihood_ratio(restricted: Float[Array, ""], free: Float[Array, ""]) -> TestResult:
    statistic = jnp.maximum(2.0 * (free - restricted), 0.0)  # rounding may leave -1e-16 where both are equal
    return TestResult(statistic, chi2.sf(statistic, 1))
