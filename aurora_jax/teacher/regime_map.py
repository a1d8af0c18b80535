"""A parameter that depends on the regime through its embedding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..core import PRNGKey


class RegimeMap(eqx.Module):
    """An affine map of the regime embedding, $W e_z + c$, giving one unconstrained parameter array per regime."""

    weight: Float[Array, "outputs embedding"]
    offset: Float[Array, " outputs"]

    def __call__(self, embedding: Float[Array, " embedding"]) -> Float[Array, " outputs"]:
        """Return the parameters of the regime with this embedding."""
        return self.weight @ embedding + self.offset


def regime_map(key: PRNGKey, offset: Float[Array, " outputs"], *, embedding_size: int, spread: float) -> RegimeMap:
    """Start at `offset` in every regime, with weights of standard deviation `spread`."""
    weight = spread * jr.normal(key, (offset.shape[0], embedding_size), offset.dtype)
    return RegimeMap(weight, offset)


def inverse_softplus(value: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return x with softplus(x) = value, for value > 0."""
    return value + jnp.log(-jnp.expm1(-value))


def bounded(raw: Float[Array, "..."], low: float, high: float) -> Float[Array, "..."]:
    """Map the real line into (low, high)."""
    return low + (high - low) * jax.nn.sigmoid(raw)


def unbounded(value: Float[Array, "..."], low: float, high: float) -> Float[Array, "..."]:
    """Invert `bounded`."""
    share = (value - low) / (high - low)
    return jnp.log(share) - jnp.log1p(-share)
