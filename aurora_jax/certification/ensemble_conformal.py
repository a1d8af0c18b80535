"""Dynamically-tuned adaptive conformal inference: experts with different step sizes, weighted by their loss."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number, SortedWindow, push, require_x64, sorted_window

from ._settings import require_miscoverage, require_positive
from .adaptive_miscoverage import quantile_at
from .online_conformal import AbstractOnlineConformal, OnlineInfo, checked_score, ranked, symmetric_interval


class EnsembleState(NamedTuple):
    """Each expert's alpha and log weight, and the trailing scores."""

    miscoverages: Float[Array, " experts"]
    log_weights: Float[Array, " experts"]
    scores: SortedWindow


class EnsembleConformal(AbstractOnlineConformal):
    r"""DtACI: ACI at several step sizes, averaged with weights that follow the pinball loss.

    $$w^i \propto (1 - \sigma)\, \bar w^i e^{-\eta \ell(\beta_t, a^i_t)} + \sigma / K, \qquad
      \ell(\beta, a) = \alpha (\beta - a) - \min(0, \beta - a), \qquad
      a^i_{t+1} = a^i_t + \gamma_i (\alpha - 1\{a^i_t > \beta_t\})$$

    where $\beta_t$ is the largest alpha at which the score would have been covered, and the set at $\sum_i w^i a^i$ is
    emitted. Each expert alone has ACI's long-run bound, their average has one only as $\eta, \sigma \to 0$.

    Attributes:
        step_sizes: gamma_i.
        miscoverage: alpha.
        horizon_bars: I, over which regret is bounded; sets $\sigma = 1 / (2 I)$ and
            $\eta = \sqrt{\frac{3}{I} \frac{\log (K I) + 2}{(1 - \alpha)^2 \alpha^3 + \alpha^2 (1 - \alpha)^3}}$.
        window_bars: trailing scores kept.

    References:
        Gibbs and Candès (2022), Conformal inference for online prediction with arbitrary distribution shifts,
        algorithm 1, th. 3 and sect. 3.2 for the settings.
    """

    step_sizes: tuple[float, ...] = eqx.field(
        static=True, default=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
    )
    miscoverage: Number = 0.1
    horizon_bars: Number = 500
    window_bars: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        require_x64("EnsembleConformal")
        require_miscoverage(self.miscoverage)
        require_positive(horizon_bars=self.horizon_bars, **{f"step size {i}": g for i, g in enumerate(self.step_sizes)})
        if not self.step_sizes:
            raise ValueError("step_sizes must name at least one expert, was ().")

    def init(self):
        """Start with equal weights at the nominal miscoverage."""
        experts = len(self.step_sizes)
        nominal = jnp.full(experts, jnp.asarray(self.miscoverage, jnp.float64))
        return EnsembleState(nominal, jnp.zeros(experts), sorted_window(self.window_bars, jnp.float64))

    def interval(self, state, forecast, scale, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf):
        """Return the set at the experts' weighted alpha; the context has no use."""
        asked = _average(state)
        return symmetric_interval(forecast, scale, quantile_at(state.scores, asked), asked)

    def step(self, state, score, *, in_transition=False, crossbar=0.0, degrees_of_freedom=jnp.inf, tie_break=0.0):
        """Weigh the experts by the loss of their alphas, and let each learn from its own miss."""
        score = ranked(checked_score(score), tie_break)
        asked = _average(state)
        quantile = quantile_at(state.scores, asked)
        alpha, horizon = self.miscoverage, jnp.asarray(self.horizon_bars, float)
        covered_at = _largest_covering(state.scores, score)
        gap = covered_at - state.miscoverages
        loss = alpha * gap - jnp.minimum(0.0, gap)

        experts = len(self.step_sizes)
        variance = (1.0 - alpha) ** 2 * alpha**3 + alpha**2 * (1.0 - alpha) ** 3
        rate = jnp.sqrt(3.0 / horizon * (jnp.log(experts * horizon) + 2.0) / variance)
        share = 0.5 / horizon
        weights = (1.0 - share) * jax.nn.softmax(state.log_weights - rate * loss) + share / experts
        missed_by = (score > jax.vmap(lambda a: quantile_at(state.scores, a))(state.miscoverages)).astype(float)
        moved = state.miscoverages + jnp.asarray(self.step_sizes) * (alpha - missed_by)
        after = EnsembleState(moved, jnp.log(weights), push(state.scores, score))
        return after, OnlineInfo(score > quantile, quantile, asked)


def _average(state: EnsembleState) -> Float[Array, ""]:
    return jnp.sum(jax.nn.softmax(state.log_weights) * state.miscoverages)


def _largest_covering(scores: SortedWindow, score: Float[Array, ""]) -> Float[Array, ""]:
    r"""Return $\beta = 1 - (r - 1) / (n + 1)$, r the rank of the smallest held score that is not below the new one.

    The bound at alpha has rank $\lceil (n + 1)(1 - \alpha) \rceil$, which reaches r while
    $(n + 1)(1 - \alpha) > r - 1$: alpha may come as near to this as one likes.
    """
    size = scores.size
    below = jnp.sum(scores.ascending < score)  # unused places hold +inf
    return 1.0 - jnp.minimum(below, size).astype(float) / (size.astype(float) + 1.0)
