"""A split rule over the trailing scores, as one of the online methods."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, require_x64

from ._settings import require_miscoverage
from .online_conformal import AbstractOnlineConformal, OnlineInfo, checked_score, ranked, symmetric_interval
from .split_conformal import AbstractSplitConformal, PlainConformal


class WindowState(NamedTuple):
    """The trailing scores, the oldest first, and how many have ever arrived."""

    scores: Float[Array, " window"]
    count: Int[Array, ""]


class WindowedConformal(AbstractOnlineConformal):
    """The bound of a split rule over the last scores, at the nominal miscoverage: it does not answer its own misses.

    Attributes:
        rule: plain, weighted or block.
        miscoverage: alpha.
        window_bars: trailing scores kept.
    """

    rule: AbstractSplitConformal = PlainConformal()
    miscoverage: Number = 0.1
    window_bars: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        require_x64("WindowedConformal")
        require_miscoverage(self.miscoverage)
        if self.window_bars < 1:
            raise ValueError(f"window_bars must be at least 1, was {self.window_bars}.")

    def init(self):
        """Start with no scores."""
        return WindowState(jnp.full(self.window_bars, jnp.inf, jnp.float64), jnp.zeros((), int))

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return the set within the rule's bound; the context has no use."""
        return symmetric_interval(forecast, scale, self._bound(state), jnp.asarray(self.miscoverage, jnp.float64))

    def step(self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0):
        """Remember the score."""
        score = ranked(checked_score(score), tie_break)
        bound = self._bound(state)
        after = WindowState(jnp.append(state.scores[1:], score), state.count + 1)
        return after, OnlineInfo(score > bound, bound, jnp.asarray(self.miscoverage, jnp.float64))

    def _bound(self, state: WindowState) -> Float[Array, ""]:
        held = jnp.minimum(state.count, self.window_bars)
        return self.rule.quantile(state.scores, miscoverage=self.miscoverage, held=held)
