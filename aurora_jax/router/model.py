"""The regime router: which family the current window belongs to, with a probability that can be believed."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int, PyTree

from ..core import Outcome
from .evidence import EVIDENCE, window_evidence
from .families import FAMILIES

_LARGEST_LOGIT = 40.0


class Judgement(NamedTuple):
    """What the router says of each asset.

    Attributes:
        probabilities: of AR, ARMA and GARCH, in double precision; uniform where the outcome is not OK.
        outcome: `Outcome` code: OK; TOO_SHORT, CONSTANT or NON_FINITE of the window; NON_FINITE of the other inputs.
    """

    probabilities: Float[Array, "*batch families"]
    outcome: Int[Array, "*batch"]


class RouterNetwork(nnx.Module):
    """What a window's likelihoods say, corrected by a small network on the student's state, features and evidence."""

    def __init__(self, inputs: int, *, hidden: int = 32, rngs: nnx.Rngs):
        if inputs < EVIDENCE:
            raise ValueError(f"inputs must be at least the {EVIDENCE} numbers of evidence, were {inputs}.")
        self.inputs = inputs
        self.enter = nnx.Linear(inputs, hidden, param_dtype=jnp.float32, rngs=rngs)
        self.middle = nnx.Linear(hidden, hidden, param_dtype=jnp.float32, rngs=rngs)
        # No correction before training.
        zeros = nnx.initializers.zeros_init()
        self.leave = nnx.Linear(hidden, len(FAMILIES), kernel_init=zeros, param_dtype=jnp.float32, rngs=rngs)

    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch families"]:
        """Return logits."""
        evidence = inputs[..., self.inputs - EVIDENCE :]
        # Half the BIC of each family, its sign turned: softmax of it is the label, but for the grids.
        # Only differences count, and of strong dependence all three are large: bounded below the largest.
        nats = jnp.sinh(evidence[..., : len(FAMILIES)])
        nats = jnp.maximum(nats - jnp.max(nats, axis=-1, keepdims=True), -_LARGEST_LOGIT)
        hidden = nnx.tanh(self.enter(inputs))
        return nats + self.leave(hidden + nnx.tanh(self.middle(hidden)))


class Router(eqx.Module):
    """A trained, temperature-scaled router.

    Attributes:
        structure: the network's static definition (flax nnx).
        weights: its arrays.
        temperature: T > 0 fitted on validation windows; probabilities are softmax(logits / T).
        window_bars: returns in the windows that it was trained on; it judges no others.
    """

    structure: nnx.GraphDef = eqx.field(static=True)
    weights: PyTree
    temperature: Float[Array, ""]
    window_bars: int = eqx.field(static=True)

    def judge(
        self,
        latent: Float[Array, "*batch latent"],
        features: Float[Array, "*batch features"],
        windows: Float[Array, "*batch bars"],
    ) -> Judgement:
        """Return the probabilities of the families, and why not where there is nothing to judge.

        Args:
            latent: the student's posterior mean.
            features: standardised features of the same bar.
            windows: trailing returns up to the same bar, oldest first.

        Raises:
            ValueError: if the windows or the inputs have another width than in training.
        """
        bars = windows.shape[-1]
        if bars != self.window_bars:
            raise ValueError(f"the router was trained on windows of {self.window_bars} returns, was given {bars}.")
        evidence = jnp.vectorize(window_evidence, signature="(n)->(m),()")(windows)
        found = self.probabilities(router_inputs(latent, features, evidence[0]))
        usable = evidence[1] == int(Outcome.OK)
        uniform = jnp.full_like(found.probabilities, 1.0 / len(FAMILIES))
        return Judgement(
            jnp.where(usable[..., None], found.probabilities, uniform), jnp.where(usable, found.outcome, evidence[1])
        )

    def probabilities(self, inputs: Float[Array, "*batch inputs"]) -> Judgement:
        """Return the same of inputs that `router_inputs` has put together.

        Raises:
            ValueError: if they have another width than in training.
        """
        network = nnx.merge(self.structure, self.weights)
        width = inputs.shape[-1]
        if width != network.inputs:
            raise ValueError(
                f"the router reads {network.inputs} inputs ({EVIDENCE} of evidence, the rest latent state and "
                f"features), was given {width}: use the student and the features that it was trained with."
            )
        usable = jnp.all(jnp.isfinite(inputs), axis=-1)
        logits = network(jnp.where(usable[..., None], inputs, 0.0)).astype(float)
        law = jax.nn.softmax(logits / self.temperature.astype(float), axis=-1)
        outcome = jnp.where(usable, int(Outcome.OK), int(Outcome.NON_FINITE))
        return Judgement(jnp.where(usable[..., None], law, 1.0 / len(FAMILIES)), outcome)


def router_inputs(
    latent: Float[Array, "*batch latent"],
    features: Float[Array, "*batch features"],
    evidence: Float[Array, "*batch evidence"],
) -> Float[Array, "*batch inputs"]:
    """Put the router's inputs together, in single precision."""
    return jnp.concatenate([jnp.asarray(part, jnp.float32) for part in (latent, features, evidence)], axis=-1)
