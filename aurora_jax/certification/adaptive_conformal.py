"""A conformal interval whose miscoverage follows its own misses, with an integrator that is never clipped."""

from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Interval, Number, SortedWindow, push, require_x64, sorted_window

from ._emission import emitted_miscoverage, is_traced, require_controller, score_bounds
from .online_conformal import AbstractOnlineConformal, ranked, symmetric_interval
from .split_conformal import conformal_rank

Flag: TypeAlias = bool | np.bool_ | Bool[Array, ""]
"""A truth value, whether Python's, NumPy's or traced."""


class ConformalState(NamedTuple):
    """What the next step needs.

    Attributes:
        miscoverage: the integrator, unclipped; it may leave [0, 1].
        scores: the trailing scores.
        coverage_ema: exponential mean of the coverage of the emitted intervals.
        streak: emitted intervals missed in a row until now.
    """

    miscoverage: Float[Array, ""]
    scores: SortedWindow
    coverage_ema: Float[Array, ""]
    streak: Int[Array, ""]


class Emission(NamedTuple):
    """The set that a state emits, and the one that it asks for.

    Attributes:
        miscoverage: emitted alpha, within its bounds.
        quantile: score bound at the emitted alpha.
        inflation: width multiplier in transitions, in [1, inflation_max].
        state_quantile: score bound at the integrator's own alpha: +inf is everything, -inf is nothing.
        saturated: the bounds hold the emitted alpha away from what the state and its offsets ask for.
        infinite: the state asks for an infinite interval, that is, to abstain.
        cold: too few scores; the quantiles are the forecast's own Student-t ones.
    """

    miscoverage: Float[Array, ""]
    quantile: Float[Array, ""]
    inflation: Float[Array, ""]
    state_quantile: Float[Array, ""]
    saturated: Bool[Array, ""]
    infinite: Bool[Array, ""]
    cold: Bool[Array, ""]


class ConformalInfo(NamedTuple):
    """What a reader wants to know of the bar just settled.

    Attributes:
        missed: the emitted interval missed.
        state_missed: the integrator's own unclipped set missed; this is what the state was fed.
        emission: the set that was settled.
        state_miscoverage: the integrator before this bar.
        coverage_ema: exponential mean of emitted coverage, this bar included.
        streak: emitted intervals missed in a row, this bar included.
    """

    missed: Bool[Array, ""]
    state_missed: Bool[Array, ""]
    emission: Emission
    state_miscoverage: Float[Array, ""]
    coverage_ema: Float[Array, ""]
    streak: Int[Array, ""]


class AdaptiveConformal(AbstractOnlineConformal):
    r"""Conformal intervals for one asset under drift, by adaptive miscoverage.

    $$a_{t+1} = a_t + \eta_t (\alpha_0 - \mathrm{miss}_t), \qquad
      \alpha_t = \mathrm{clip}(a_t + \alpha_1 1[\mathrm{TRANS}] + \alpha_2 \min(c_t, 1), \alpha_{min}, \alpha_{max})$$

    The integrator $a$ is never clipped and never skips a bar, and $\mathrm{miss}_t$ is that of its own set at
    $a_t$: everything where $a_t \le 0$, nothing where $a_t \ge 1$. Only so does the long-run bound
    $|\overline{\mathrm{miss}} - \alpha_0| \le (\max(a_1, 1 - a_1) + \eta) / (\eta T)$ hold for any scores.
    What is emitted is the clipped $\alpha_t$, with its coverage reported beside.

    Attributes:
        miscoverage: alpha_0.
        step_size_base: eta outside transitions; `step_size_transition` within.
        transition_offset: alpha_1, negative to widen in transitions.
        crossbar_offset: alpha_2, negative to widen with the crossbar.
        miscoverage_min: least emitted alpha; `miscoverage_max` the greatest.
        inflation_max: greatest width multiplier in transitions, in [1, 1.25].
        coverage_ema_bars: averaging time of `coverage_ema`.
        window_bars: trailing scores kept.
        cold_start_scores: below this many scores the forecast's Student-t quantile is used.

    References:
        Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, eq. 2 and prop. 4.1.
    """

    miscoverage: Number = 0.1
    step_size_base: Number = 0.01
    step_size_transition: Number = 0.03
    transition_offset: Number = -0.02
    crossbar_offset: Number = -0.01
    miscoverage_min: Number = 0.05
    miscoverage_max: Number = 0.20
    inflation_max: Number = 1.25
    coverage_ema_bars: Number = 50
    window_bars: int = eqx.field(static=True, default=500)
    cold_start_scores: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        require_x64("AdaptiveConformal")
        if not 1 <= self.cold_start_scores <= self.window_bars:
            raise ValueError(
                f"cold_start_scores must lie in [1, window_bars = {self.window_bars}], was {self.cold_start_scores}."
            )
        if not is_traced(self):
            require_controller(
                miscoverage=self.miscoverage,
                within=(self.miscoverage_min, self.miscoverage_max),
                step_sizes=(self.step_size_base, self.step_size_transition),
                inflation_max=self.inflation_max,
                coverage_ema_bars=self.coverage_ema_bars,
            )

    def init(self) -> ConformalState:
        """Start at the nominal miscoverage with no scores."""
        return ConformalState(
            miscoverage=jnp.asarray(self.miscoverage, jnp.float64),
            scores=sorted_window(self.window_bars, jnp.float64),
            coverage_ema=1.0 - jnp.asarray(self.miscoverage, jnp.float64),
            streak=jnp.zeros((), int),
        )

    def emission(
        self,
        state: ConformalState,
        *,
        in_transition: Flag = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
    ) -> Emission:
        """Return the score set that `state` emits now; arguments as in `interval`."""
        asked = state.miscoverage
        offset = self.transition_offset * jnp.asarray(in_transition, float)
        offset = offset + self.crossbar_offset * jnp.minimum(jnp.asarray(crossbar, float), 1.0)
        emitted, saturated = emitted_miscoverage(asked, offset, within=(self.miscoverage_min, self.miscoverage_max))

        alphas = jnp.stack([emitted, asked])
        size = state.scores.size
        cold = size < self.cold_start_scores
        quantiles = score_bounds(
            alphas,
            jax.vmap(lambda alpha: state.scores.order_statistic(conformal_rank(size, alpha))),
            cold=cold,
            degrees_of_freedom=degrees_of_freedom,
        )

        # Twice the nominal rate of recent misses earns the whole inflation.
        excess = jnp.clip((1.0 - state.coverage_ema) / self.miscoverage - 1.0, 0.0, 1.0)
        inflation = 1.0 + (self.inflation_max - 1.0) * excess * jnp.asarray(in_transition, float)
        return Emission(
            emitted, quantiles[0], inflation, quantiles[1], saturated, infinite=quantiles[1] == jnp.inf, cold=cold
        )

    def interval(
        self,
        state: ConformalState,
        forecast: Number,
        scale: Number,
        *,
        in_transition: Flag = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
    ) -> Interval:
        """Return forecast -+ quantile x inflation x scale; degrees of freedom are used at cold start only."""
        set_ = self.emission(
            state, in_transition=in_transition, crossbar=crossbar, degrees_of_freedom=degrees_of_freedom
        )
        interval = symmetric_interval(forecast, scale, set_.quantile * set_.inflation, set_.miscoverage)
        return interval._replace(saturated=set_.saturated)

    def step(
        self,
        state: ConformalState,
        score: Number,
        *,
        in_transition: Flag = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
        tie_break: Number = 0.0,
    ) -> tuple[ConformalState, ConformalInfo]:
        """Settle the interval that `state` emitted, and learn from it; a negative score raises as NaN does."""
        score = jnp.asarray(score, jnp.float64)
        bad = ~(score >= 0.0)
        score = jnp.asarray(eqx.error_if(score, bad, "a conformal score is NaN or negative: check forecast and scale."))
        set_ = self.emission(
            state, in_transition=in_transition, crossbar=crossbar, degrees_of_freedom=degrees_of_freedom
        )
        missed = score > set_.quantile * set_.inflation
        moved = ranked(score, tie_break)
        state_missed = moved > set_.state_quantile

        step_size = jnp.where(in_transition, self.step_size_transition, self.step_size_base)
        miscoverage = state.miscoverage + step_size * (self.miscoverage - state_missed.astype(float))
        coverage_ema = state.coverage_ema + (1.0 - missed.astype(float) - state.coverage_ema) / self.coverage_ema_bars
        streak = jnp.where(missed, state.streak + 1, 0)
        after = ConformalState(miscoverage, push(state.scores, moved), coverage_ema, streak)
        return after, ConformalInfo(missed, state_missed, set_, state.miscoverage, coverage_ema, streak)
