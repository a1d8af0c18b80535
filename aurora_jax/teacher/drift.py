"""The drift: stable linear reversion of the volatility factors plus a bounded network."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .regime_map import RegimeMap, regime_map

_DECAY_FLOOR = 1e-3  # delta: no factor reverts slower than once in a thousand bars


class ResidualNetwork(eqx.Module):
    """A residual multilayer perceptron whose outputs never exceed `bound` in absolute value: a setting, not fitted."""

    enter: eqx.nn.Linear
    blocks: tuple[eqx.nn.Linear, ...]
    leave: eqx.nn.Linear
    bound: Float[Array, " outputs"]

    def __call__(self, inputs: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        r"""Return $b \tanh(W_k h)$ with $h \leftarrow h + \tanh(W h)$ in each block, in the weights' precision."""
        hidden = jnp.tanh(self.enter(inputs.astype(self.enter.weight.dtype)))
        for block in self.blocks:
            hidden = hidden + jnp.tanh(block(hidden))
        return lax.stop_gradient(self.bound) * jnp.tanh(self.leave(hidden)).astype(self.bound.dtype)


class StableDrift(eqx.Module):
    r"""Drift $f(x, z) = A(z) v + b(z) + u(v, z)$ of (log prices; volatility factors v).

    $A(z) = S(z) - (L(z) L(z)^\top + \delta I)$ with S skew acts on the factors only, so every eigenvalue has a negative
    real part and prices have no level reversion. u sees the factors, never a price level.

    Attributes:
        skew: S before it is made skew.
        decay: L, of which the lower triangle counts.
        level: b, in units of `size`.
        size: typical size of each component's drift: a setting, so that a step of the optimiser is as small for
            one-minute bars as for daily ones.
        network: u.
    """

    skew: RegimeMap
    decay: RegimeMap
    level: RegimeMap
    size: Float[Array, " state"]
    network: ResidualNetwork
    factors: int = eqx.field(static=True)

    def reversion(self, embedding: Float[Array, " embedding"]) -> Float[Array, "factors factors"]:
        """Return A(z)."""
        shape = (self.factors, self.factors)
        raw = self.skew(embedding).reshape(shape)
        lower = jnp.tril(self.decay(embedding).reshape(shape))
        return raw - raw.T - (lower @ lower.T + _DECAY_FLOOR * jnp.eye(self.factors, dtype=raw.dtype))

    def __call__(
        self, volatility: Float[Array, " factors"], embedding: Float[Array, " embedding"]
    ) -> Float[Array, " state"]:
        """Return the drift of every component of the state, per bar."""
        linear = jnp.zeros_like(self.network.bound).at[-self.factors :].set(self.reversion(embedding) @ volatility)
        level = lax.stop_gradient(self.size) * self.level(embedding)
        return linear + level + self.network(jnp.concatenate([volatility, embedding]))


def stable_drift(
    key: PRNGKey,
    *,
    price_level: Float[Array, " assets"],
    price_bound: Float[Array, " assets"],
    factors: int,
    embedding_size: int,
    reversion_per_bar: float = 0.05,
    width: int = 32,
    depth: int = 2,
) -> StableDrift:
    """Start as slow reversion of the factors to zero and constant price drifts.

    Args:
        key: parent of the streams used here.
        price_level: mean log return per bar.
        price_bound: largest drift that the network may add, per bar; also the unit of the fitted level.
        factors: number of volatility factors.
        embedding_size: length of a regime embedding.
        reversion_per_bar: speed at which a factor returns to its mean.
        width: units per layer of the network.
        depth: residual blocks of the network.
    """
    dtype = price_level.dtype
    outputs = price_level.shape[0] + factors
    level = jnp.concatenate([price_level / price_bound, jnp.zeros(factors, dtype)])
    bound = jnp.concatenate([price_bound, jnp.full(factors, 0.1, dtype)])
    linear = [
        eqx.nn.Linear(size_in, size_out, key=stream(key, "network", i), dtype=dtype)
        for i, (size_in, size_out) in enumerate(
            [(factors + embedding_size, width), *[(width, width)] * depth, (width, outputs)]
        )
    ]
    # A small last layer starts the network near zero, so the linear part explains the data first.
    last = eqx.tree_at(lambda layer: layer.weight, linear[-1], linear[-1].weight * 0.1)
    decay = jnp.sqrt(reversion_per_bar) * jnp.eye(factors, dtype=dtype)
    return StableDrift(
        skew=regime_map(stream(key, "skew"), jnp.zeros(factors**2, dtype), embedding_size=embedding_size, spread=0.01),
        decay=regime_map(stream(key, "decay"), decay.reshape(-1), embedding_size=embedding_size, spread=0.01),
        level=regime_map(stream(key, "level"), level, embedding_size=embedding_size, spread=0.0),
        size=bound,
        network=ResidualNetwork(linear[0], tuple(linear[1:-1]), last, bound),
        factors=factors,
    )
