"""How likely the bars with a jump are: a Hawkes process seen bar by bar."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number


class BarKernel(NamedTuple):
    """The exponential kernel between bars, its parent uniform within its own.

    Attributes:
        same: share of the offspring that falls into the parent's bar.
        next: share that falls into the bar after.
        left: factor from each bar to the one after it.
    """

    same: Float[Array, ""]
    next: Float[Array, ""]
    left: Float[Array, ""]


def bar_kernel(decay: Number) -> BarKernel:
    r"""Return the kernel $\beta e^{-\beta t}$ averaged over bars of length 1.

    With the parent uniform in its bar and $q = (1 - e^{-\beta})/\beta$, the offspring falls into the same bar with
    probability $1 - q$ and k >= 1 bars later with $q (1 - e^{-\beta}) e^{-\beta (k-1)}$.
    """
    decay = jnp.asarray(decay, float)
    away = -jnp.expm1(-decay)
    return BarKernel(1.0 - away / decay, away**2 / decay, jnp.exp(-decay))


def jump_log_likelihood(
    event_bars: Int[Array, " events"],
    *,
    intensity: Number,
    branching_ratio: Number,
    decay: Number,
    bars: int,
) -> Float[Array, ""]:
    r"""Return the log-likelihood of which bars hold at least one event of a stationary Hawkes process.

    What earlier bars excite in bar t is Poisson with mean $\Lambda_t$, and a bar without such an arrival has no event:

    $$\ell = \sum_{t \in E} \log(1 - e^{-\Lambda_t}) - \sum_{t \notin E} \Lambda_t, \qquad
      \Lambda_t = \mu + a_t + n \sum_{s \in E, s < t} c_s\, g_{t-s}$$

    with $\mu = \lambda (1 - n)$, the kernel $g$ of `bar_kernel`, and $c_s = \Lambda_s / (1 - e^{-\Lambda_s}) / (1 - n
    g_0)$ events expected in a bar that has one. Approximations: where in its bar an event lay, how many more lay there,
    and what happened before bar 0 ($a_t$) are replaced by their means. As bars get short against 1 / decay, it becomes
    the exact likelihood of the event times. Times of daily bars are not times: taken for them, offspring of the same
    bar is missed, and the branching ratio is found too small.

    Args:
        event_bars: ascending, from 0, padded with `bars`.
        intensity: lambda > 0, events per bar in the long run.
        branching_ratio: n in (0, 1).
        decay: beta > 0, per bar.
        bars: number of bars observed.

    References:
        Kirchner (2016), Stochastic Processes and their Applications 126(8), 2494-2525, for the law bar by bar.
    """
    intensity, ratio = jnp.asarray(intensity, float), jnp.asarray(branching_ratio, float)
    kernel = bar_kernel(decay)
    baseline = intensity * (1.0 - ratio)
    # Excess over the baseline that a stationary past leaves on average, integrated over bar 0.
    inherited = intensity * ratio * (1.0 - kernel.same)
    size = ratio / (1.0 - ratio * kernel.same)

    def bar(carry, event):
        excess, before = carry  # in the bar after `before`
        at, happened = event
        excess = excess * kernel.left ** jnp.maximum(at - before - 1, 0).astype(excess.dtype)
        arrivals = baseline + excess
        # For an excess of rounding size both forms have the limits 0 and 1, which the priors keep away.
        any_arrival = -jnp.expm1(-arrivals)
        caused = size * (arrivals / any_arrival) * kernel.next
        value = jnp.where(happened, jnp.log(any_arrival) + arrivals, 0.0)
        # All that this event will excite within the bars that are left.
        later = jnp.where(happened, caused * _geometric(kernel.left, bars - 1 - at), 0.0)
        after = jnp.where(happened, excess * kernel.left + caused, excess), jnp.where(happened, at, before)
        return after, (value, later)

    happened = event_bars < bars
    start = inherited, jnp.asarray(-1, event_bars.dtype)
    values, later = lax.scan(bar, start, (event_bars, happened))[1]
    compensator = baseline * bars + inherited * _geometric(kernel.left, jnp.asarray(bars)) + jnp.sum(later)
    return jnp.sum(values) - compensator


def _geometric(ratio: Float[Array, ""], count: Int[Array, ""]) -> Float[Array, ""]:
    """Return 1 + ratio + ... with `count` >= 0 terms."""
    terms = jnp.maximum(count, 0).astype(ratio.dtype)
    return -jnp.expm1(terms * jnp.log(ratio)) / (1.0 - ratio)
