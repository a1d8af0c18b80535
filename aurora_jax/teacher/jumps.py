"""Jumps of the price: state-dependent, self-exciting, compensated, heavy, and shared by all assets."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .excitation import SelfExcitation, self_excitation
from .mixing import HeldMixing, held_mixing
from .regime_map import RegimeMap, bounded, inverse_softplus, regime_map, unbounded

_CONTAGION_MAX = 0.99


class JumpLaw(eqx.Module):
    """The jump law of one regime, in units of the whitened price noise.

    Attributes:
        intensity: lambda_0, expected jumps per bar that nothing else explains.
        response: alpha >= 0, what each volatility factor may add to the intensity, per bar.
        scale: standard deviation of a mark before mixing.
        mean: mean mark along the market direction.
        contagion: share c in [0, 1) of a mark's variance that moves all assets along the market direction.
    """

    intensity: Float[Array, "*regimes"]
    response: Float[Array, "*regimes factors"]
    scale: Float[Array, "*regimes"]
    mean: Float[Array, "*regimes"]
    contagion: Float[Array, "*regimes"]

    def baseline(self, volatility: Float[Array, " factors"]) -> Float[Array, ""]:
        r"""Return $\lambda(x, z) = \lambda_0(z) + \alpha(z)^\top \phi(x)$ with $\phi_k = 1/(1 + e^{-v_k})$, per bar."""
        return self.intensity + jnp.sum(self.response * jax.nn.sigmoid(volatility))


class HeavyJumps(eqx.Module):
    r"""Jumps $J = e^{\sum v} L(z) u$ with marks $u = m h + s \sqrt w\, M n$, n standard normal.

    h is the market direction, $M M' = (1 - c) I + c\, d\, h h'$, and w the held mixing variable that all assets and all
    jumps of a bar share: independent heavy marks would leave the assets without upper tail dependence, and fresh ones
    each bar would leave extremes without clusters, however many jumps come together.
    """

    intensity: RegimeMap
    response: RegimeMap
    scale: RegimeMap
    mean: RegimeMap
    contagion: RegimeMap
    excitation: SelfExcitation
    mixing: HeldMixing

    def law(self, embedding: Float[Array, " embedding"]) -> JumpLaw:
        """Return the jump law of the regime with this embedding."""
        return JumpLaw(
            intensity=jnp.logaddexp(self.intensity(embedding)[0], 0.0),
            response=jnp.logaddexp(self.response(embedding), 0.0),
            scale=jnp.logaddexp(self.scale(embedding)[0], 0.0),
            mean=self.mean(embedding)[0],
            contagion=bounded(self.contagion(embedding)[0], 0.0, _CONTAGION_MAX),
        )

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return nu > 2 of the marks; the returns' tail index is 1/nu."""
        return self.mixing.degrees_of_freedom


def heavy_jumps(
    key: PRNGKey,
    *,
    factors: int,
    embedding_size: int,
    intensity_per_bar: float = 0.04,
    response_per_bar: float = 0.01,
    scale: float = 1.5,
    mean: float = -0.3,
    contagion: float = 0.1,
    branching_ratio: float = 0.3,
    decay: float = 0.2,
    degrees_of_freedom: float = 4.0,
    renewal_rate: float = 0.1,
    dtype=jnp.float32,
) -> HeavyJumps:
    """Start with the same jump law in every regime; arguments are those of `JumpLaw` and of the two shared parts.

    Raises:
        ValueError: if a starting value leaves its range; names the value.
    """
    for name, value in (("intensity_per_bar", intensity_per_bar), ("response_per_bar", response_per_bar)):
        if not value > 0.0:
            raise ValueError(f"{name} must be positive, was {value}.")
    if not 0.0 < contagion < _CONTAGION_MAX:
        raise ValueError(f"contagion must lie in (0, {_CONTAGION_MAX}), was {contagion}.")

    def start(name, value, size=1):
        offset = jnp.full(size, value, dtype)
        return regime_map(stream(key, name), offset, embedding_size=embedding_size, spread=0.02)

    return HeavyJumps(
        intensity=start("intensity", inverse_softplus(jnp.asarray(intensity_per_bar, dtype))),
        response=start("response", inverse_softplus(jnp.asarray(response_per_bar, dtype)), factors),
        scale=start("scale", inverse_softplus(jnp.asarray(scale, dtype))),
        mean=start("mean", mean),
        contagion=start("contagion", unbounded(jnp.asarray(contagion, dtype), 0.0, _CONTAGION_MAX)),
        excitation=self_excitation(branching_ratio=branching_ratio, decay=decay, dtype=dtype),
        mixing=held_mixing(degrees_of_freedom=degrees_of_freedom, renewal_rate=renewal_rate, dtype=dtype),
    )


def correlated_marks(
    normal: Float[Array, "steps assets"],
    contagion: Float[Array, " steps"],
    market_direction: Float[Array, "steps assets"],
) -> Float[Array, "steps assets"]:
    r"""Return $M n$ with $M M' = (1 - c) I + c\, d\, h h'$, whose trace is d whatever c."""
    assets = normal.shape[1]
    across = jnp.sqrt(1.0 - contagion)
    along = jnp.sqrt(1.0 - contagion + contagion * assets)
    share = (along - across) * jnp.sum(normal * market_direction, axis=1)
    return across[:, None] * normal + share[:, None] * market_direction
