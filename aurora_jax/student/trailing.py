"""What the student knows of scale and dependence before any network: trailing volatility and correlation."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_WINSOR = 4.0  # standard deviations at which a return is cut before it enters the correlation
_VARIANCE_FLOOR = 1e-10


class TrailingState(NamedTuple):
    """Exponentially weighted variance per asset and second moments of standardised returns."""

    variance: Float[Array, " assets"]
    moments: Float[Array, "assets assets"]


class Trailing(eqx.Module):
    """Exponentially weighted volatility and shrunk correlation.

    Attributes:
        base_correlation: correlation matrix that the trailing one is shrunk to.
        base_variance: variance per asset at the start.
        volatility_half_life_bars: of the variance; 11 bars is the RiskMetrics decay of 0.94.
        correlation_half_life_bars: of the second moments.
        shrinkage: weight of the base correlation, in (0, 1].
    """

    base_correlation: Float[Array, "assets assets"]
    base_variance: Float[Array, " assets"]
    volatility_half_life_bars: float = eqx.field(static=True, default=11.0)
    correlation_half_life_bars: float = eqx.field(static=True, default=60.0)
    shrinkage: float = eqx.field(static=True, default=0.5)

    def __check_init__(self):
        if not 0.0 < self.shrinkage <= 1.0:
            raise ValueError(f"shrinkage must lie in (0, 1], was {self.shrinkage}.")

    def init(self) -> TrailingState:
        """Start at the base variance and correlation."""
        return TrailingState(self.base_variance, self.base_correlation)

    def step(
        self,
        state: TrailingState,
        returns: Float[Array, " assets"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> TrailingState:
        """Take in one bar's returns; what was not observed leaves its variance and its pairs' moments as they are."""
        standard = jnp.clip(returns / jnp.sqrt(state.variance), -_WINSOR, _WINSOR)
        slow = 0.5 ** (1.0 / self.correlation_half_life_bars)
        fast = 0.5 ** (1.0 / self.volatility_half_life_bars)
        moments = slow * state.moments + (1.0 - slow) * jnp.outer(standard, standard)
        variance = fast * state.variance + (1.0 - fast) * returns**2
        after = TrailingState(jnp.maximum(variance, _VARIANCE_FLOOR), moments)
        if observed is None:
            return after
        seen = TrailingState(observed, observed[:, None] & observed[None, :])
        return TrailingState(*(jnp.where(*parts) for parts in zip(seen, after, state, strict=True)))

    def correlation(self, state: TrailingState) -> Float[Array, "assets assets"]:
        """Return the shrunk trailing correlation: positive definite because its base is."""
        deviation = jnp.sqrt(jnp.diag(state.moments))
        trailing = state.moments / jnp.outer(deviation, deviation)
        return self.shrinkage * self.base_correlation + (1.0 - self.shrinkage) * trailing


def fit_trailing(returns: Float[Array, "bars assets"]) -> Trailing:
    """Take base variance and correlation from training returns, correlation slightly shrunk to the identity."""
    centred = returns - jnp.mean(returns, axis=0, keepdims=True)
    variance = jnp.mean(centred**2, axis=0)
    deviation = jnp.sqrt(variance)
    correlation = (centred.T @ centred) / returns.shape[0] / jnp.outer(deviation, deviation)
    assets = returns.shape[1]
    identity = jnp.eye(assets, dtype=returns.dtype)
    return Trailing(0.95 * correlation + 0.05 * identity, variance)
