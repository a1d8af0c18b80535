"""In which of the supervisor's three zones is a value at risk?"""

import enum
from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import betainc
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, require_x64

from .coverage import Hits, as_flags
from .forecasts import check_tail_probability

YELLOW_FROM, RED_FROM = 0.95, 0.9999


class Zone(enum.IntEnum):
    """What the number of exceptions says about a value at risk."""

    GREEN, YELLOW, RED = range(3)


class TrafficLight(NamedTuple):
    """A verdict of the traffic light.

    Attributes:
        zone: `Zone` code.
        cumulative_probability: of as many exceptions or fewer, if the value at risk is right.
        p_value: probability of as many or more: small where risk was underestimated. Exact at any number of days.
    """

    zone: Int[Array, "*batch"]
    cumulative_probability: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]


def traffic_light(hits: Hits, *, tail_probability: Number) -> TrafficLight:
    r"""Judge the number of exceptions by its exact binomial law, as bank supervisors do.

    With x hits on T days the cumulative probability is

    $$P(X \le x) = \sum_{i=0}^x \binom Ti p^i (1 - p)^{T - i} = I_{1-p}(T - x, x + 1)$$

    and the zone yellow from 95 % on, red from 99.99 % on: from 5 and from 10 exceptions on 250 days at 1 %.

    Args:
        hits: one entry a day.
        tail_probability: p in (0, 1); known at trace time.

    Raises:
        ValueError: if there is no day, hits are neither flags nor integers, or p is out of range.

    References:
        Basel Committee on Banking Supervision (1996), Supervisory framework for the use of "backtesting" in conjunction
        with the internal models approach to market risk capital requirements, table 2.
    """
    require_x64("traffic_light")
    check_tail_probability(tail_probability)
    broken = as_flags(hits)
    days, count = float(broken.size), jnp.sum(broken, dtype=float)
    up_to = _binomial_cdf(count, days, tail_probability)
    # Of at least as many, as its own incomplete beta function: 1 - P(fewer) would be all rounding for rare counts.
    at_least = betainc(
        jnp.maximum(count, 1.0), days - jnp.maximum(count, 1.0) + 1.0, jnp.asarray(tail_probability, float)
    )
    zone = jnp.where(up_to < YELLOW_FROM, int(Zone.GREEN), jnp.where(up_to < RED_FROM, int(Zone.YELLOW), int(Zone.RED)))
    return TrafficLight(zone, up_to, jnp.where(count > 0.0, at_least, 1.0))


def _binomial_cdf(count: Float[Array, ""], days: float, probability: Number) -> Float[Array, ""]:
    remaining = jnp.maximum(days - count, 0.5)  # the incomplete beta function is undefined at 0
    below = betainc(remaining, count + 1.0, jnp.asarray(1.0 - probability, float))
    return jnp.where(count < days, below, 1.0)
