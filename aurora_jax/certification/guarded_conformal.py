"""A conformal controller that follows the scale of its scores and guards its coverage over any recent window."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, require_x64

from ._emission import emitted_miscoverage, is_traced, require_controller, score_bounds
from .adaptive_conformal import ConformalInfo, Emission, Flag
from .online_conformal import AbstractOnlineConformal, checked_score, ranked, symmetric_interval
from .scale_mixture import MixtureState, ScaleMixture


class GuardedState(NamedTuple):
    """What the next step needs.

    Attributes:
        miscoverage: the integrator, unclipped; it may leave [0, 1].
        mixture: of the experts on the law of scores.
        misses: of the emitted intervals, a ring buffer of one bar less than the guarded window.
        count: bars settled.
        coverage_ema: exponential mean of emitted coverage.
        streak: emitted intervals missed in a row until now.
    """

    miscoverage: Float[Array, ""]
    mixture: MixtureState
    misses: Bool[Array, " window"]
    count: Int[Array, ""]
    coverage_ema: Float[Array, ""]
    streak: Int[Array, ""]


class GuardedConformal(AbstractOnlineConformal):
    r"""`AdaptiveConformal` with a mixture of scales for its quantile and a guard on the coverage of late.

    $$a_{t+1} = a_t + \eta (\alpha_0 - \mathrm{miss}_t), \qquad
      \alpha_t = \mathrm{clip}(a_t + \alpha_1 1[\mathrm{TRANS}] + \alpha_2 \min(c_t, 1) - g\, (D_t)_+,
      \alpha_{min}, \alpha_{max})$$

    where $D_t$ counts emitted misses beyond the nominal ones among the bars that will share a window with the next, the
    cold start's left out.
    The bound is multiplied by $1 + (\lambda - 1)\, \mathrm{clip}((D_t - 2) / 2, 0, 1)$. The guard only ever widens:
    emitted coverage is a little above nominal, and no window of that length falls far below.

    The integrator is that of `AdaptiveConformal`: never clipped, never skipping a bar, fed the misses of its own set,
    everything where $a_t \le 0$ and nothing where $a_t \ge 1$. So its long-run bound holds for any scores, whatever
    the mixture does.

    Attributes:
        mixture: of the experts; its alpha is alpha_0.
        step_size_base: eta outside transitions; `step_size_transition` within.
        transition_offset: alpha_1, negative to widen in transitions.
        crossbar_offset: alpha_2, negative to widen with the crossbar.
        guard_gain: g, alpha for each miss too many.
        miscoverage_min: least emitted alpha; `miscoverage_max` the greatest.
        inflation_max: lambda in [1, 1.25], the greatest width multiplier.
        coverage_ema_bars: averaging time of `coverage_ema`.
        guard_bars: of the guarded window.
        cold_start_scores: below this many scores the forecast's Student-t quantile is used.

    References:
        Gibbs and Candès (2021), eq. 2 and prop. 4.1, for the integrator and its bound. The guard is this project's.
    """

    mixture: ScaleMixture = ScaleMixture()
    step_size_base: Number = 0.005
    step_size_transition: Number = 0.03
    transition_offset: Number = -0.02
    crossbar_offset: Number = -0.01
    guard_gain: Number = 0.02
    miscoverage_min: Number = 0.05
    miscoverage_max: Number = 0.20
    inflation_max: Number = 1.25
    coverage_ema_bars: Number = 50
    guard_bars: int = eqx.field(static=True, default=500)
    cold_start_scores: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        require_x64("GuardedConformal")
        if self.guard_bars < 2 or self.cold_start_scores < 1:
            raise ValueError(
                f"guard_bars must be at least 2 and cold_start_scores at least 1, were {self.guard_bars} and "
                f"{self.cold_start_scores}."
            )
        if is_traced(self):
            return
        require_controller(
            miscoverage=self.mixture.miscoverage,
            within=(self.miscoverage_min, self.miscoverage_max),
            step_sizes=(self.step_size_base, self.step_size_transition),
            inflation_max=self.inflation_max,
            coverage_ema_bars=self.coverage_ema_bars,
        )
        if not self.guard_gain >= 0.0:
            raise ValueError(f"guard_gain must be >= 0, was {self.guard_gain}.")

    def init(self) -> GuardedState:
        """Start at the nominal miscoverage with no scores and no misses."""
        nominal = jnp.asarray(self.mixture.miscoverage, jnp.float64)
        return GuardedState(
            nominal,
            self.mixture.init(),
            jnp.zeros(self.guard_bars - 1, bool),
            jnp.zeros((), int),
            1.0 - nominal,
            jnp.zeros((), int),
        )

    def emission(
        self,
        state: GuardedState,
        *,
        in_transition: Flag = False,
        crossbar: Number = 0.0,
        degrees_of_freedom: Number = jnp.inf,
    ) -> Emission:
        """Return the score set that `state` emits now; arguments as in `interval`."""
        asked, excess = state.miscoverage, self._excess(state)
        offset = self.transition_offset * jnp.asarray(in_transition, float)
        offset = offset + self.crossbar_offset * jnp.minimum(jnp.asarray(crossbar, float), 1.0)
        offset = offset - self.guard_gain * jnp.maximum(excess, 0.0)
        emitted, saturated = emitted_miscoverage(asked, offset, within=(self.miscoverage_min, self.miscoverage_max))

        alphas = jnp.stack([emitted, asked])
        cold = state.count < self.cold_start_scores
        quantiles = score_bounds(
            alphas,
            lambda asked_for: self.mixture.quantiles(state.mixture, asked_for),
            cold=cold,
            degrees_of_freedom=degrees_of_freedom,
        )
        # From two misses too many, all of it at four: where the least emitted alpha alone no longer brings them down.
        inflation = 1.0 + (self.inflation_max - 1.0) * jnp.clip((excess - 2.0) / 2.0, 0.0, 1.0)
        return Emission(
            emitted, quantiles[0], inflation, quantiles[1], saturated, infinite=quantiles[1] == jnp.inf, cold=cold
        )

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return forecast -+ quantile x inflation x scale."""
        set_ = self.emission(
            state, in_transition=in_transition, crossbar=crossbar, degrees_of_freedom=degrees_of_freedom
        )
        interval = symmetric_interval(forecast, scale, set_.quantile * set_.inflation, set_.miscoverage)
        return interval._replace(saturated=set_.saturated)

    def step(
        self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0
    ) -> tuple[GuardedState, ConformalInfo]:
        """Settle the interval that `state` emitted, and learn from it."""
        score = checked_score(score)
        set_ = self.emission(
            state, in_transition=in_transition, crossbar=crossbar, degrees_of_freedom=degrees_of_freedom
        )
        missed = score > set_.quantile * set_.inflation
        moved = ranked(score, tie_break)
        state_missed = moved > set_.state_quantile
        step_size = jnp.where(in_transition, self.step_size_transition, self.step_size_base)
        miscoverage = state.miscoverage + step_size * (self.mixture.miscoverage - state_missed.astype(float))
        coverage_ema = state.coverage_ema + (1.0 - missed.astype(float) - state.coverage_ema) / self.coverage_ema_bars
        streak = jnp.where(missed, state.streak + 1, 0)
        after = GuardedState(
            miscoverage,
            self.mixture.step(state.mixture, moved),
            self._remembered(state, missed, set_.cold),
            state.count + 1,
            coverage_ema,
            streak,
        )
        return after, ConformalInfo(missed, state_missed, set_, state.miscoverage, coverage_ema, streak)

    def _remembered(
        self, state: GuardedState, missed: Bool[Array, ""], cold: Bool[Array, ""]
    ) -> Bool[Array, " window"]:
        """Write down a miss, but none of the cold start: those of a forecast's own law are not of this mixture."""
        place = (state.count - self.cold_start_scores) % (self.guard_bars - 1)
        return state.misses.at[place].set(missed & ~cold)

    def _excess(self, state: GuardedState) -> Float[Array, ""]:
        held = jnp.clip(state.count - self.cold_start_scores, 0, self.guard_bars - 1).astype(float)
        return jnp.sum(state.misses).astype(float) - self.mixture.miscoverage * held
