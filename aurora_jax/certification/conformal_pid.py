"""Conformal PID control: quantile tracking, and an integrator of misses that saturates."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, SortedWindow, push, require_x64, sorted_window

from ._settings import require_miscoverage, require_positive
from .online_conformal import AbstractOnlineConformal, OnlineInfo, checked_score, ranked, symmetric_interval
from .quantile_tracking import spread


class PidState(NamedTuple):
    """The tracked bound, misses beyond the nominal ones, bars settled, and the trailing scores."""

    quantile: Float[Array, ""]
    excess: Float[Array, ""]
    bars: Int[Array, ""]
    scores: SortedWindow


class ConformalPid(AbstractOnlineConformal):
    r"""The bound $q_t + r_t(E_t)$: quantile tracking (P) and an integrator of errors (I).

    $E_t = \sum_{i < t} (\mathrm{miss}_i - \alpha)$ is the sum of errors, and

    $$r_t(x) = K_I b_t \tan\Bigl(\frac{x \log (t + 1)}{C (t + 1)}\Bigr)$$

    infinite, of the argument's sign, where that is beyond $\pm \pi / 2$; $b_t$ is the spread of the trailing scores.
    Whatever the scores, $|E_t| \le \frac{\pi C (t + 1)}{2 \log (t + 1)} + 1$, hence coverage in the long run.

    The paper's third part, a forecaster of scores, is the caller's: subtract its forecast from the scores.

    Attributes:
        miscoverage: alpha.
        step_share: of the spread of trailing scores; the tracker's step.
        saturation: C.
        integral_share: K_I in units of the spread of trailing scores.
        window_bars: how many scores are trailing.

    References:
        Angelopoulos, Candès and Tibshirani (2023), Conformal PID control for time series prediction, eq. 5-8, prop. 2
        and appendix B for the tangent.
    """

    miscoverage: Number = 0.1
    step_share: Number = 0.1
    saturation: Number = 0.5
    integral_share: Number = 1.0
    window_bars: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        require_x64("ConformalPid")
        require_miscoverage(self.miscoverage)
        require_positive(step_share=self.step_share, saturation=self.saturation, integral_share=self.integral_share)

    def init(self):
        """Start with a bound of 0 and no error."""
        zero = jnp.zeros((), jnp.float64)
        return PidState(zero, zero, jnp.zeros((), int), sorted_window(self.window_bars, jnp.float64))

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return the set within the sum of both parts; the context has no use."""
        nominal = jnp.asarray(self.miscoverage, jnp.float64)
        return symmetric_interval(forecast, scale, self._bound(state), nominal)

    def step(self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0):
        """Move the tracked bound and the sum of errors by the miss."""
        score = ranked(checked_score(score), tie_break)
        bound = self._bound(state)
        missed = score > bound
        error = missed.astype(float) - self.miscoverage
        step = self.step_share * jnp.where(state.scores.size > 0, spread(state.scores), 1.0)
        after = PidState(state.quantile + step * error, state.excess + error, state.bars + 1, push(state.scores, score))
        return after, OnlineInfo(missed, bound, jnp.asarray(self.miscoverage, jnp.float64))

    def _bound(self, state: PidState) -> Float[Array, ""]:
        time = state.bars.astype(float) + 1.0
        angle = state.excess * jnp.log(time) / (self.saturation * time)
        inside = jnp.abs(angle) < 0.5 * jnp.pi
        pushed = self.integral_share * spread(state.scores) * jnp.tan(jnp.where(inside, angle, 0.0))
        return state.quantile + jnp.where(inside, pushed, jnp.sign(angle) * jnp.inf)
