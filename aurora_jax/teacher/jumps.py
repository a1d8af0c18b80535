"""Compound-Poisson jumps with heavy marks that share one mixing variable across assets."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from ..core import Number, PRNGKey, stream
from .regime_map import RegimeMap, inverse_softplus, regime_map


class JumpLaw(eqx.Module):
    """The jump law of one regime, in units of the whitened price noise.

    Attributes:
        intensity: expected jumps per bar.
        scale: standard deviation of a mark before mixing.
        mean: mean mark along the market direction.
    """

    intensity: Float[Array, "*regimes"]
    scale: Float[Array, "*regimes"]
    mean: Float[Array, "*regimes"]


class HeavyJumps(eqx.Module):
    r"""Jumps $J = e^{\sum v} L(z) u$ with marks $u = m h + s \sqrt{w}\, n$, n standard normal.

    h is the market direction and $w \sim \mathrm{InvGamma}(\nu/2, \nu/2)$ is drawn once per bar and shared by all
    assets and all jumps of that bar: independent heavy marks would leave the assets without upper tail dependence.
    """

    intensity: RegimeMap
    scale: RegimeMap
    mean: RegimeMap
    raw_degrees_of_freedom: Float[Array, ""]

    def law(self, embedding: Float[Array, " embedding"]) -> JumpLaw:
        """Return the jump law of the regime with this embedding."""
        return JumpLaw(
            intensity=jnp.logaddexp(self.intensity(embedding)[0], 0.0),
            scale=jnp.logaddexp(self.scale(embedding)[0], 0.0),
            mean=self.mean(embedding)[0],
        )

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return nu > 2 of the marks; the returns' tail index is 1/nu."""
        return 2.0 + jnp.logaddexp(self.raw_degrees_of_freedom, 0.0)


def heavy_jumps(
    key: PRNGKey,
    *,
    embedding_size: int,
    intensity_per_bar: float = 0.05,
    scale: float = 1.5,
    mean: float = -0.3,
    degrees_of_freedom: float = 4.0,
    dtype=jnp.float32,
) -> HeavyJumps:
    """Start with the same jump law in every regime."""

    def start(name, value):
        return regime_map(stream(key, name), jnp.full(1, value, dtype), embedding_size=embedding_size, spread=0.02)

    return HeavyJumps(
        intensity=start("intensity", inverse_softplus(jnp.asarray(intensity_per_bar, dtype))),
        scale=start("scale", inverse_softplus(jnp.asarray(scale, dtype))),
        mean=start("mean", mean),
        raw_degrees_of_freedom=inverse_softplus(jnp.asarray(degrees_of_freedom - 2.0, dtype)),
    )


def whitened_jumps(
    key: PRNGKey,
    law: JumpLaw,
    market_direction: Float[Array, "steps assets"],
    degrees_of_freedom: Number,
    *,
    step_size: float,
) -> tuple[Float[Array, "steps assets"], Int[Array, " steps"]]:
    """Draw each step's compensated jump increment in whitened price units, and the number of jumps in it.

    Args:
        key: parent of the streams used here.
        law: jump law of each step.
        market_direction: unit vector h of each step.
        degrees_of_freedom: nu of the marks.
        step_size: bars per step.
    """
    steps, assets = market_direction.shape
    dtype = market_direction.dtype
    rate = law.intensity * step_size
    count = jr.poisson(stream(key, "count"), rate, (steps,))
    half = jnp.asarray(0.5 * degrees_of_freedom, dtype)
    mixing = half / jr.gamma(stream(key, "mixing"), half, (steps,), dtype)
    normal = jr.normal(stream(key, "mark"), (steps, assets), dtype)
    jumps = count.astype(dtype)
    spread = (law.scale * jnp.sqrt(mixing * jumps))[:, None] * normal
    # Compensated: what the jumps add on average is taken off again, lambda E[u] per bar.
    return spread + ((jumps - rate) * law.mean)[:, None] * market_direction, count
