"""One law of scores from several: each measured in a scale of its own, weighted by how well its bounds did."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, SortedWindow, push, sorted_window

from ._settings import require_miscoverage, require_positive
from .adaptive_miscoverage import quantile_at


class Expert(NamedTuple):
    """How one expert reads the scores.

    Attributes:
        half_life_bars: of the mean of past scores that it measures scores in; inf measures them as they are.
        window_bars: trailing measured scores that it keeps.
    """

    half_life_bars: float
    window_bars: int


EXPERTS = (
    Expert(np.inf, 500),
    Expert(np.inf, 2000),
    Expert(4.0, 500),
    Expert(12.0, 500),
    Expert(40.0, 500),
    Expert(120.0, 500),
)


class MixtureState(NamedTuple):
    """What the next step needs.

    Attributes:
        windows: of each expert, scores in its scale.
        means: of past scores, weighted by age and not yet divided by the weights' sum; unused where scores are taken
            as they are.
        log_weights: of the experts.
        typical_loss: mean loss of late, the unit of losses.
        count: scores seen.
    """

    windows: tuple[SortedWindow, ...]
    means: Float[Array, " experts"]
    log_weights: Float[Array, " experts"]
    typical_loss: Float[Array, ""]
    count: Int[Array, ""]


class ScaleMixture(eqx.Module):
    r"""Score bounds at any alpha, averaged over experts with different scales.

    Expert k measures scores in $m^k_t$, an exponential mean of those before; its bound at alpha is $m^k_t$ times the
    conformal order statistic of its window, and the mixture's is $\sum_k w^k_t q^k_t(\alpha)$ with

    $$w^k_{t+1} = (1 - \sigma) \frac{v^k_t}{\sum_j v^j_t} + \frac{\sigma}{K}, \qquad
      v^k_t = w^k_t e^{-\eta \ell^k_t / \bar\ell_t}, \qquad \ell^k_t = \alpha_0 (q - s)_+ + (1 - \alpha_0)(s - q)_+$$

    at $q = q^k_t(\alpha_0)$: the pinball loss is the interval score but for a term that no bound can change, so what
    is followed is what is judged. $\bar\ell_t$, the mean loss of all experts of late, makes weights free of units.

    Attributes:
        miscoverage: alpha_0, at which experts are compared.
        experts: their scales and windows.
        learning_rate: eta.
        share: sigma, so that an expert that was bad long ago can come back.
        loss_memory_bars: of the mean loss.

    References:
        Herbster and Warmuth (1998), Machine Learning 32, fixed share; Gneiting and Raftery (2007), eq. 43, for the
        interval score.
    """

    miscoverage: Number = 0.1
    experts: tuple[Expert, ...] = eqx.field(static=True, default=EXPERTS)
    learning_rate: Number = 0.1
    share: Number = 0.001
    loss_memory_bars: Number = 200

    def __check_init__(self):
        require_miscoverage(self.miscoverage)
        if not self.experts:
            raise ValueError("experts must name at least one, was ().")
        for expert in self.experts:
            require_positive(half_life_bars=expert.half_life_bars, window_bars=expert.window_bars)
        require_positive(learning_rate=self.learning_rate, share=self.share, loss_memory_bars=self.loss_memory_bars)

    def init(self) -> MixtureState:
        """Start with equal weights and no scores."""
        experts = len(self.experts)
        return MixtureState(
            tuple(sorted_window(expert.window_bars, jnp.float64) for expert in self.experts),
            jnp.zeros(experts),
            jnp.zeros(experts),
            jnp.zeros(()),
            jnp.zeros((), int),
        )

    def quantiles(self, state: MixtureState, alphas: Float[Array, " n"]) -> Float[Array, " n"]:
        """Return the mixture's bound at each alpha: +inf where it is <= 0 or scores are too few, -inf where >= 1."""
        bounds = self._bounds(state, jnp.clip(alphas, 1e-9, 1.0 - 1e-9))
        mixed = jax.nn.softmax(state.log_weights) @ bounds
        return jnp.where(alphas <= 0.0, jnp.inf, jnp.where(alphas >= 1.0, -jnp.inf, mixed))

    def step(self, state: MixtureState, score: Float[Array, ""]) -> MixtureState:
        """Weigh the experts by the loss of their nominal bounds, and let each remember the score."""
        nominal = jnp.asarray(self.miscoverage, jnp.float64)
        bounds = self._bounds(state, nominal[None])[:, 0]
        # Too few scores for a finite bound: there is nothing to compare.
        gaps = jnp.where(jnp.isfinite(bounds) & jnp.isfinite(score), score - bounds, 0.0)
        loss = jnp.maximum((1.0 - nominal) * gaps, -nominal * gaps)
        memory = jnp.minimum(state.count.astype(float) + 1.0, self.loss_memory_bars)
        typical = state.typical_loss + (jnp.mean(loss) - state.typical_loss) / memory
        relative = loss / jnp.maximum(typical, jnp.finfo(float).tiny)
        weights = jax.nn.softmax(state.log_weights - self.learning_rate * relative)
        mixed = (1.0 - self.share) * weights + self.share / len(self.experts)

        # The first score is its own unit: at 1 it would stay in the window, of a size that no other has.
        first = (state.count == 0) & (score > 0.0) & jnp.isfinite(score) & (self._decays() < 1.0)
        units = jnp.where(first, score, self._units(state))
        windows = tuple(push(window, score / unit) for window, unit in zip(state.windows, units, strict=True))
        # An infinite score would stay in the mean for ever: it counts as a typical one.
        units = jnp.where(jnp.isfinite(score), score, units)
        means = state.means + (1.0 - self._decays()) * (units - state.means)
        return MixtureState(windows, means, jnp.log(mixed), typical, state.count + 1)

    def _bounds(self, state: MixtureState, alphas: Float[Array, " n"]) -> Float[Array, "experts n"]:
        rows = [
            unit * jax.vmap(lambda alpha, held=window: quantile_at(held, alpha))(alphas)
            for window, unit in zip(state.windows, self._units(state), strict=True)
        ]
        return jnp.stack(rows)

    def _units(self, state: MixtureState) -> Float[Array, " experts"]:
        """Return what each expert measures in: 1 where it takes scores as they are, and before the first score."""
        decays = self._decays()
        held = 1.0 - decays ** state.count.astype(float)
        measured = jnp.maximum(state.means / jnp.where(held > 0.0, held, 1.0), jnp.finfo(float).tiny)
        return jnp.where((decays < 1.0) & (state.count > 0), measured, 1.0)

    def _decays(self) -> Float[Array, " experts"]:
        return jnp.asarray([0.5 ** (1.0 / expert.half_life_bars) for expert in self.experts])
