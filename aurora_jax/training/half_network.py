"""The drift's network in half precision."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..teacher import NFSDE


class HalfNetwork(eqx.Module):
    """A bounded network whose products are taken in bfloat16; its weights, bound and outputs stay as they are."""

    network: eqx.Module
    bound: Float[Array, " outputs"]

    def __call__(self, inputs: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """Return the network's output in the precision of the bound."""
        half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), self.network)
        # The bound is a factor of the output: kept out, it is not rounded.
        half = eqx.tree_at(lambda network: network.bound, half, replace_fn=jnp.ones_like)
        return lax.stop_gradient(self.bound) * half(inputs.astype(jnp.bfloat16)).astype(self.bound.dtype)  # pyright: ignore[reportCallIssue]


def with_half_network(model: NFSDE) -> NFSDE:
    """Return the teacher with the products of its drift's network in bfloat16; gradients come back in full."""
    network = model.drift.network
    return eqx.tree_at(lambda tree: tree.drift.network, model, HalfNetwork(network, network.bound))
