"""What every online conformal method is: a start, an interval, and what it learns from a score."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from aurora_jax.core import Interval, Number


class OnlineInfo(NamedTuple):
    """What a reader wants to know of the bar just settled.

    Attributes:
        missed: the set that was emitted missed.
        quantile: its score bound; +inf is everything, a negative one is nothing.
        miscoverage: the alpha that was asked for, unclipped.
    """

    missed: Bool[Array, ""]
    quantile: Float[Array, ""]
    miscoverage: Float[Array, ""]


class AbstractOnlineConformal(eqx.Module):
    """Conformal intervals for one asset, one bar after another.

    The caller's loop is `interval` before the target is known and `step` after it, with the same context: the flags
    `in_transition` and `crossbar` and the forecast's `degrees_of_freedom`. A method ignores what it has no use for.
    """

    @abc.abstractmethod
    def init(self) -> Any:
        """Return the state before the first bar."""

    @abc.abstractmethod
    def interval(
        self,
        state: Any,
        forecast: Number,
        scale: Number,
        *,
        in_transition: Any = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
    ) -> Interval:
        """Return forecast -+ quantile x scale; an empty set has its lower end above its upper one.

        Args:
            state: from `init` or `step`.
            forecast: location of the target.
            scale: its scale, >= 0, in the target's units.
            in_transition: the regime is between two families.
            crossbar: smoothed crossbar score, >= 0.
            degrees_of_freedom: of the forecast's own Student-t law; inf is normal.
        """

    @abc.abstractmethod
    def step(
        self,
        state: Any,
        score: Number,
        *,
        in_transition: Any = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
        tie_break: Number = 0.0,
    ) -> tuple[Any, Any]:
        """Settle the interval that `state` emitted, and learn from it.

        Args:
            state: the one that emitted the interval.
            score: |target - forecast| / scale; inf is a miss of every finite set, NaN raises. The published methods
                also take signed scores, of one side: their `quantile` in the info is then that side's bound.
            in_transition: as given to `interval` for this target; likewise `crossbar` and `degrees_of_freedom`.
            crossbar: see above.
            degrees_of_freedom: see above.
            tie_break: uniform in [0, 1) from the stream's key; orders equal scores at random. The constant 0 counts a
                tie as covered.

        Returns:
            The next state, and what a reader wants to know; at least whether the emitted set `missed`.
        """


def symmetric_interval(
    forecast: Number, scale: Number, quantile: Float[Array, ""], miscoverage: Float[Array, ""]
) -> Interval:
    """Return forecast -+ quantile x scale, infinite where the quantile is, also at a scale of 0."""
    half = jnp.where(jnp.isinf(quantile), quantile, quantile * jnp.asarray(scale, jnp.float64))
    centre = jnp.asarray(forecast, jnp.float64)
    return Interval(centre - half, centre + half, miscoverage, jnp.isinf(quantile))


def checked_score(score: Number) -> Float[Array, ""]:
    """Return the score as float64.

    Raises:
        RuntimeError: at run time, if it is NaN.
    """
    found = jnp.asarray(score, jnp.float64)
    return jnp.asarray(eqx.error_if(found, jnp.isnan(found), "a conformal score is NaN: check forecast and scale."))


def ranked(score: Float[Array, ""], tie_break: Number) -> Float[Array, ""]:
    """Return the score moved far below any economic size and far above rounding: only equal scores change order."""
    return score + 1e-9 * (1.0 + jnp.abs(score)) * tie_break
