"""What the student knows of scale and dependence before any network: trailing volatility and correlation."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..core import Number
from .scale_law import ScaleLaw, ScaleState, trailing_law

_WINSOR = 4.0  # standard deviations at which a return is cut before it enters the correlation
_VARIANCE_FLOOR = 1e-10


class TrailingState(NamedTuple):
    """Exponentially weighted variance per asset, second moments of standardised returns, and the scale law's state."""

    variance: Float[Array, " assets"]
    moments: Float[Array, "assets assets"]
    horizons: ScaleState


class Trailing(eqx.Module):
    """Exponentially weighted volatility, the scale of the next return, and shrunk correlation.

    Attributes:
        base_correlation: correlation matrix that the trailing one is shrunk to.
        base_variance: variance per asset at the start.
        law: scale of the next return; without one it is the trailing volatility.
        volatility_half_life_bars: of the variance; 11 bars is the RiskMetrics decay of 0.94.
        correlation_half_life_bars: of the second moments.
        shrinkage: weight of the base correlation, in (0, 1].
    """

    base_correlation: Float[Array, "assets assets"]
    base_variance: Float[Array, " assets"]
    law: ScaleLaw = eqx.field(default_factory=trailing_law)
    volatility_half_life_bars: float = eqx.field(static=True, default=11.0)
    correlation_half_life_bars: float = eqx.field(static=True, default=60.0)
    shrinkage: float = eqx.field(static=True, default=0.5)

    def __check_init__(self):
        if not 0.0 < self.shrinkage <= 1.0:
            raise ValueError(f"shrinkage must lie in (0, 1], was {self.shrinkage}.")

    def init(self) -> TrailingState:
        """Start at the base variance and correlation."""
        return TrailingState(self.base_variance, self.base_correlation, self.law.init(self.base_variance))

    def step(
        self,
        state: TrailingState,
        returns: Float[Array, " assets"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> TrailingState:
        r"""Take in one bar's returns; `observed` None says that all assets have one.

        With a the decay and s the standardised returns, 0 where there is none,

        $$M' = D M D + (1 - a) s s', \qquad D_{ii} = \sqrt a \text{ if asset i was observed, else } 1$$

        An asset without a bar keeps its variance and its own moment; its moments with others fade by $\sqrt a$. Were
        they kept, the others' own moments could fall below them: no correlation matrix any more.
        """
        slow = 0.5 ** (1.0 / self.correlation_half_life_bars)
        standard = self._standard(state, returns)
        kept: Number | Array = slow
        if observed is not None:
            standard = jnp.where(observed, standard, 0.0)
            seen = observed.astype(int)
            kept = jnp.asarray([1.0, slow**0.5, slow], state.moments.dtype)[seen[:, None] + seen[None, :]]
        moments = kept * state.moments + (1.0 - slow) * jnp.outer(standard, standard)
        return self.step_scale(state, returns, observed)._replace(moments=moments)

    def step_scale(
        self,
        state: TrailingState,
        returns: Float[Array, " assets"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> TrailingState:
        """Take in one bar's returns as `step` does, but leave the moments: a simulation never looks at them."""
        fast = 0.5 ** (1.0 / self.volatility_half_life_bars)
        variance = jnp.maximum(fast * state.variance + (1.0 - fast) * returns**2, _VARIANCE_FLOOR)
        if observed is not None:
            variance = jnp.where(observed, variance, state.variance)
        horizons = self.law.step(state.horizons, returns, self._standard(state, returns), observed)
        return TrailingState(variance, state.moments, horizons)

    def _standard(self, state: TrailingState, returns: Float[Array, " assets"]) -> Float[Array, " assets"]:
        return jnp.clip(returns / jnp.sqrt(state.variance), -_WINSOR, _WINSOR)

    def scale(self, state: TrailingState) -> Float[Array, " assets"]:
        """Return the scale of the next return: the unit that the network's location and scale are in."""
        log_scale = self.law.log_scale(state.horizons, state.variance, self.base_variance)
        return jnp.sqrt(state.variance) * jnp.exp(log_scale)

    def correlation(self, state: TrailingState) -> Float[Array, "assets assets"]:
        """Return the shrunk trailing correlation: positive definite because its base is."""
        deviation = jnp.sqrt(jnp.diag(state.moments))
        trailing = state.moments / jnp.outer(deviation, deviation)
        return self.shrinkage * self.base_correlation + (1.0 - self.shrinkage) * trailing


def fit_trailing(returns: Float[Array, "bars assets"]) -> Trailing:
    """Take base variance and correlation from training returns, correlation slightly shrunk to the identity.

    An asset that never moved has the smallest variance that there is, and is correlated with none. Runs outside jit.

    Raises:
        ValueError: if there are fewer than two bars, or a return is not finite; names the bar and the asset.
    """
    if returns.shape[0] < 2:
        raise ValueError(f"fit_trailing needs at least 2 bars of returns, had {returns.shape[0]}.")
    bad = np.argwhere(~np.isfinite(np.asarray(returns)))
    if bad.size:
        raise ValueError(
            f"returns must be finite, that of bar {bad[0, 0]}, asset {bad[0, 1]}, is not: fill or drop it."
        )
    centred = returns - jnp.mean(returns, axis=0, keepdims=True)
    covariance = (centred.T @ centred) / returns.shape[0]
    variance = jnp.maximum(jnp.diag(covariance), _VARIANCE_FLOOR)
    deviation = jnp.sqrt(variance)
    assets = returns.shape[1]
    identity = jnp.eye(assets, dtype=returns.dtype)
    correlation = jnp.where(identity > 0.0, 1.0, covariance / jnp.outer(deviation, deviation))
    return Trailing(0.95 * correlation + 0.05 * identity, variance)
