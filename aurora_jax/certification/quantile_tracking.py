"""Quantile tracking: online gradient descent of the pinball loss on the score bound itself."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number, SortedWindow, push, require_x64, sorted_window

from ._settings import require_miscoverage, require_positive
from .online_conformal import AbstractOnlineConformal, OnlineInfo, checked_score, ranked, symmetric_interval


class TrackingState(NamedTuple):
    """The score bound, and the trailing scores whose spread sets the step."""

    quantile: Float[Array, ""]
    scores: SortedWindow


class QuantileTracking(AbstractOnlineConformal):
    r"""$q_{t+1} = q_t + \eta_t (\mathrm{miss}_t - \alpha)$, with $\eta_t$ a share of the spread of trailing scores.

    The gradient step of the pinball loss at level $1 - \alpha$. With a constant step and scores in [0, b]
    $|\overline{\mathrm{miss}} - \alpha| \le (b + \eta) / (\eta T)$. The bound may be negative: then nothing is covered.

    Attributes:
        miscoverage: alpha.
        step_share: of the largest less the smallest trailing score; of 1 before there is any.
        window_bars: how many scores, before the one that is settled, are trailing.

    References:
        Angelopoulos, Candès and Tibshirani (2023), Conformal PID control for time series prediction, eq. 4, prop. 1
        and sect. 3 for the step. The paper's text takes the largest score, its code the spread; so does this one.
    """

    miscoverage: Number = 0.1
    step_share: Number = 0.1
    window_bars: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        require_x64("QuantileTracking")
        require_miscoverage(self.miscoverage)
        require_positive(step_share=self.step_share)

    def init(self):
        """Start with a bound of 0: the first scores miss, and raise it."""
        return TrackingState(jnp.zeros((), jnp.float64), sorted_window(self.window_bars, jnp.float64))

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return the set within the bound; the context has no use."""
        return symmetric_interval(forecast, scale, state.quantile, jnp.asarray(self.miscoverage, jnp.float64))

    def step(self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0):
        """Move the bound by the miss."""
        score = ranked(checked_score(score), tie_break)
        missed = score > state.quantile
        step = self.step_share * jnp.where(state.scores.size > 0, spread(state.scores), 1.0)
        after = state.quantile + step * (missed.astype(float) - self.miscoverage)
        nominal = jnp.asarray(self.miscoverage, jnp.float64)
        return TrackingState(after, push(state.scores, score)), OnlineInfo(missed, state.quantile, nominal)


def spread(scores: SortedWindow) -> Float[Array, ""]:
    """Return the largest less the smallest score held, 0 where none is."""
    last = scores.ascending[jnp.maximum(scores.size - 1, 0)]
    return jnp.where(scores.size > 0, last - scores.ascending[0], 0.0)
