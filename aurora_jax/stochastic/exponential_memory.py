"""What is left of past events when each one's influence decays exponentially: one pass, whatever their number."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number


def event_times(times: Float[Array, " events"], *, dtype) -> Float[Array, " events"]:
    """Return `times` in `dtype`.

    Raises:
        RuntimeError: at run time, if they are negative, NaN or not ascending.
    """
    times = jnp.asarray(times, dtype)
    wrong = jnp.any(times[1:] < times[:-1]) | jnp.any(~(times >= 0.0))
    return eqx.error_if(times, wrong, "event times must be >= 0 and ascending.")


def times_up_to(times: Float[Array, " events"], horizon: Float[Array, ""], *, dtype) -> Float[Array, " events"]:
    """Return `event_times`, all of which are padding or not beyond the horizon.

    Raises:
        RuntimeError: at run time, if they are not.
    """
    times = event_times(times, dtype=dtype)
    beyond = jnp.any(jnp.isfinite(times) & (times > horizon))
    return eqx.error_if(times, beyond, "event times lie beyond the horizon.")


def times_asked(at: Number | Float[Array, " points"], *, dtype) -> Float[Array, "..."]:
    """Return the times `at` which something is asked, in `dtype`.

    Raises:
        RuntimeError: at run time, if one is negative or NaN.
    """
    at = jnp.asarray(at, dtype)
    return eqx.error_if(at, jnp.any(~(at >= 0.0)), "times asked for must be >= 0.")


def faded_sums(
    times: Float[Array, " events"], heights: Float[Array, "events ..."], decay: Float[Array, ""]
) -> tuple[Float[Array, "events ..."], Float[Array, "events ..."]]:
    r"""Return $S_k = \sum_{i \le k} h_i e^{-\beta (t_k - t_i)}$ just after each event, and just before it.

    Args:
        times: ascending, padded with +inf; padding leaves the sums where they are.
        heights: of each event; of padding they do not matter.
        decay: beta > 0.

    References:
        Ogata (1981), IEEE Transactions on Information Theory 27(1), 23-31, section III.
    """
    happened = jnp.isfinite(times)
    before = jnp.concatenate([jnp.zeros_like(times[:1]), times[:-1]])
    gaps = jnp.where(happened, times - jnp.where(jnp.isfinite(before), before, 0.0), 0.0)

    def pass_on(left, event):
        gap, height, real = event
        faded = left * jnp.exp(-decay * gap)
        after = faded + jnp.where(real, height, 0.0)
        return after, (after, faded)

    return lax.scan(pass_on, jnp.zeros_like(heights[0]), (gaps, heights, happened))[1]


def faded_to(
    at: Float[Array, "..."],
    times: Float[Array, " events"],
    sums: Float[Array, "events ..."],
    decay: Float[Array, ""],
    *,
    side: Literal["left", "right"],
) -> tuple[Float[Array, "..."], Int[Array, "..."]]:
    """Return what is left of the events before each time, and their number; 0 is left at +inf.

    Args:
        at: times >= 0, in any order.
        times: ascending, padded with +inf.
        sums: just after each event, from `faded_sums`.
        decay: beta > 0.
        side: "left" leaves an event at the very time out, "right" counts it.
    """
    # Padding must not count as events at +inf.
    found = jnp.searchsorted(times, at, side=side)
    number = jnp.minimum(found, jnp.sum(jnp.isfinite(times), dtype=found.dtype))
    last = jnp.maximum(number - 1, 0)
    # Not exp(-decay x infinity), whose derivative in the decay is not a number.
    alive = (number > 0) & jnp.isfinite(at)
    elapsed = jnp.where(alive, at - jnp.where(alive, times[last], 0.0), 0.0)
    left = jnp.where(alive, jnp.exp(-decay * elapsed), 0.0)
    return left.reshape(left.shape + (1,) * (sums.ndim - 1)) * sums[last], number
