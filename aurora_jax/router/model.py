"""The regime router: which family the current window belongs to, with a probability that can be believed."""

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PyTree

from .families import FAMILIES


class RouterNetwork(nnx.Module):
    """A small classifier on an asset's latent state and features."""

    def __init__(self, inputs: int, *, hidden: int = 32, rngs: nnx.Rngs):
        self.inputs = inputs
        self.enter = nnx.Linear(inputs, hidden, param_dtype=jnp.float32, rngs=rngs)
        self.middle = nnx.Linear(hidden, hidden, param_dtype=jnp.float32, rngs=rngs)
        self.leave = nnx.Linear(hidden, len(FAMILIES), param_dtype=jnp.float32, rngs=rngs)

    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch families"]:
        """Return logits."""
        hidden = nnx.tanh(self.enter(inputs))
        return self.leave(hidden + nnx.tanh(self.middle(hidden)))


class Router(eqx.Module):
    """A trained, temperature-scaled router.

    Attributes:
        structure: the network's static definition (flax nnx).
        weights: its arrays.
        temperature: T > 0 fitted on validation windows; probabilities are softmax(logits / T).
    """

    structure: nnx.GraphDef = eqx.field(static=True)
    weights: PyTree
    temperature: Float[Array, ""]

    def probabilities(
        self, latent: Float[Array, "*batch latent"], features: Float[Array, "*batch features"]
    ) -> Float[Array, "*batch families"]:
        """Return the probability of AR, ARMA and GARCH, in double precision.

        Args:
            latent: the student's posterior mean.
            features: standardised features of the same bar.
        """
        network = nnx.merge(self.structure, self.weights)
        inputs = jnp.concatenate([latent.astype(jnp.float32), features.astype(jnp.float32)], axis=-1)
        return jax.nn.softmax(network(inputs).astype(float) / self.temperature.astype(float), axis=-1)
