"""Adaptive conformal inference as published: one integrator of misses."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number, SortedWindow, push, require_x64, sorted_window

from ._settings import require_miscoverage, require_positive
from .online_conformal import AbstractOnlineConformal, OnlineInfo, checked_score, ranked, symmetric_interval
from .split_conformal import conformal_rank


class MiscoverageState(NamedTuple):
    """The integrator, unclipped, and the trailing scores."""

    miscoverage: Float[Array, ""]
    scores: SortedWindow


class AdaptiveMiscoverage(AbstractOnlineConformal):
    r"""ACI: $a_{t+1} = a_t + \gamma (\alpha - \mathrm{miss}_t)$, with the set at $a_t$ emitted as it is.

    Everything where $a_t \le 0$ or there are too few scores, nothing where $a_t \ge 1$. For any scores
    $|\overline{\mathrm{miss}} - \alpha| \le (\max(a_1, 1 - a_1) + \gamma) / (\gamma T)$.

    Attributes:
        miscoverage: alpha, and the integrator's start.
        step_size: gamma.
        window_bars: trailing scores kept.

    References:
        Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, eq. 2 and prop. 4.1.
    """

    miscoverage: Number = 0.1
    step_size: Number = 0.005
    window_bars: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        require_x64("AdaptiveMiscoverage")
        require_miscoverage(self.miscoverage)
        require_positive(step_size=self.step_size)

    def init(self):
        """Start at the nominal miscoverage with no scores."""
        return MiscoverageState(
            jnp.asarray(self.miscoverage, jnp.float64), sorted_window(self.window_bars, jnp.float64)
        )

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return the set at the integrator's own alpha; the context has no use."""
        return symmetric_interval(forecast, scale, quantile_at(state.scores, state.miscoverage), state.miscoverage)

    def step(self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0):
        """Feed the miss to the integrator."""
        score = ranked(checked_score(score), tie_break)
        quantile = quantile_at(state.scores, state.miscoverage)
        missed = score > quantile
        after = state.miscoverage + self.step_size * (self.miscoverage - missed.astype(float))
        return MiscoverageState(after, push(state.scores, score)), OnlineInfo(missed, quantile, state.miscoverage)


def quantile_at(scores: SortedWindow, miscoverage: Float[Array, ""]) -> Float[Array, ""]:
    """Return the conformal bound at any alpha: +inf where it is <= 0 or scores are too few, -inf where it is >= 1."""
    rank = conformal_rank(scores.size, miscoverage)
    bound = scores.order_statistic(rank)
    return jnp.where(miscoverage <= 0.0, jnp.inf, jnp.where(miscoverage >= 1.0, -jnp.inf, bound))
