"""The deep state-space model: networks and the one-bar cell that training and serving share."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from .emission import AbstractEmission, GaussianMixtureEmission, StudentTEmission
from .encoder import encoder_of

_LOG_VARIANCE_BOUND = 2.0
_MEMORY = 0.9
_CHANGE_BOUND = 1.0
_LOG_SCALE_BOUND = 1.5  # the forecast scale stays within a factor of 4.5 of the expected one
_LOCATION_BOUND = 0.5  # of one expected scale
_SMALL = nnx.initializers.normal(0.01)  # start at a still state
_NOTHING = nnx.initializers.zeros  # start at the expected scale, to the bit


class Gaussian(NamedTuple):
    """Mean and log-variance of independent normals."""

    mean: Float[Array, "*batch latent"]
    log_variance: Float[Array, "*batch latent"]


class CellOutput(NamedTuple):
    """Everything that one bar of the model gives, per asset.

    Attributes:
        prior: p(z_t | z_{t-1}).
        posterior: q(z_t | z_{t-1}, h_t).
        latent: the sample (or mean) of the posterior that went on.
        emission: location and log-scale of x_t given z_t, in expected scales.
        forecast: location and log-scale of x_{t+1} given the transition's mean, in expected scales.
    """

    prior: Gaussian
    posterior: Gaussian
    latent: Float[Array, "*batch latent"]
    emission: tuple[Float[Array, "*batch"], Float[Array, "*batch"]]
    forecast: tuple[Float[Array, "*batch"], Float[Array, "*batch"]]


class DSSM(nnx.Module):
    r"""Deep state-space model $z_t \sim p(z_t|z_{t-1})$, $x_t \sim p(x_t|z_t)$, $q(z_t|z_{t-1}, h_t)$.

    Each asset has its own state; the encoder sees the asset's features beside their mean over assets, so the same
    weights serve any number of assets. x_t is the return in units of the scale that was expected of it.

    Args:
        features: number of features of an asset.
        hidden: width of the encoder's memory and of the networks.
        latent: size of z.
        degrees_of_freedom: of the emission at the start.
        mixture_components: normals that the emission is a mixture of; 0 makes it Student-t.
        encoder: "gru", or "parallel", which is trained without a loop over bars (`ParallelEncoder`).
        rngs: of the starting weights.
    """

    def __init__(
        self,
        features: int,
        *,
        hidden: int = 32,
        latent: int = 6,
        degrees_of_freedom: float = 9.0,
        mixture_components: int = 0,
        encoder: str = "gru",
        rngs: nnx.Rngs,
    ):
        dtype = jnp.float32
        self.features, self.hidden, self.latent = features, hidden, latent
        self.encoder_kind = encoder
        self.encoder = encoder_of(encoder, 2 * features, hidden, rngs=rngs)
        self.posterior = nnx.Linear(hidden + latent, 2 * latent, param_dtype=dtype, rngs=rngs)
        self.transition_hidden = nnx.Linear(latent, hidden, param_dtype=dtype, rngs=rngs)
        self.transition_out = nnx.Linear(hidden, 2 * latent, kernel_init=_SMALL, param_dtype=dtype, rngs=rngs)
        self.decoder_hidden = nnx.Linear(latent, hidden, param_dtype=dtype, rngs=rngs)
        self.decoder_out = nnx.Linear(hidden, 2, kernel_init=_NOTHING, param_dtype=dtype, rngs=rngs)
        self.mixture_components = mixture_components
        self.emission: AbstractEmission = (
            GaussianMixtureEmission(mixture_components, degrees_of_freedom)
            if mixture_components
            else StudentTEmission(degrees_of_freedom)
        )

    @property
    def degrees_of_freedom(self) -> Float[Array, ""]:
        """Return the emission's degrees of freedom, in (2, 60]."""
        return self.emission.degrees_of_freedom

    def transition(self, latent: Float[Array, "*batch latent"]) -> Gaussian:
        """Return p(z_t | z_{t-1} = latent)."""
        change, log_variance = jnp.split(self.transition_out(nnx.tanh(self.transition_hidden(latent))), 2, axis=-1)
        return Gaussian(_MEMORY * latent + _bounded(change), _squash(log_variance))

    def emit(self, latent: Float[Array, "*batch latent"]) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """Return location and log-scale of the return given the latent state, in expected scales."""
        raw = self.decoder_out(nnx.tanh(self.decoder_hidden(latent)))
        location = _LOCATION_BOUND * jnp.tanh(raw[..., 0] / _LOCATION_BOUND)
        return location, _LOG_SCALE_BOUND * jnp.tanh(raw[..., 1] / _LOG_SCALE_BOUND)

    def cell(
        self,
        hidden: Float[Array, "assets hidden"],
        latent: Float[Array, "assets latent"],
        features: Float[Array, "assets features"],
        noise: Float[Array, "assets latent"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> tuple[Float[Array, "assets hidden"], CellOutput]:
        """Advance one bar; `noise` is standard normal in training and zero online, where the mean goes on.

        An asset that was not observed is predicted only: its memory stays, its posterior is its prior, and the others
        see nothing of it. `observed` None says that all were.
        """
        before = hidden
        hidden, _ = self.encoder(before, self.encoder_inputs(features, observed))
        if observed is not None:
            hidden = jnp.where(observed[:, None], hidden, before)
        return hidden, self.read(*self.infer(hidden, latent, noise, observed))

    def encoder_inputs(
        self, features: Float[Array, "*bars assets features"], observed: Bool[Array, "*bars assets"] | None = None
    ) -> Float[Array, "*bars assets inputs"]:
        """Return each asset's features beside their mean over the assets that were observed."""
        if observed is None:
            context = jnp.mean(features, axis=-2, keepdims=True)
        else:
            features = jnp.where(observed[..., None], features, 0.0)  # what was not observed may hold anything
            present = jnp.maximum(jnp.sum(observed, axis=-1), 1).astype(features.dtype)
            context = jnp.sum(features, axis=-2, keepdims=True) / present[..., None, None]
        return jnp.concatenate([features, jnp.broadcast_to(context, features.shape)], axis=-1)

    def infer(
        self,
        hidden: Float[Array, "assets hidden"],
        latent: Float[Array, "assets latent"],
        noise: Float[Array, "assets latent"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> tuple[Gaussian, Gaussian, Float[Array, "assets latent"]]:
        """Return prior, posterior and the sample of it that goes on; without a bar the posterior is the prior."""
        prior = self.transition(latent)
        change, log_variance = jnp.split(self.posterior(jnp.concatenate([hidden, latent], axis=1)), 2, axis=-1)
        posterior = Gaussian(prior.mean + _bounded(change), _squash(log_variance))
        if observed is not None:
            posterior = jax.tree.map(lambda seen, blind: jnp.where(observed[:, None], seen, blind), posterior, prior)
        return prior, posterior, posterior.mean + jnp.exp(0.5 * posterior.log_variance) * noise

    def read(self, prior: Gaussian, posterior: Gaussian, sample: Float[Array, "*batch latent"]) -> CellOutput:
        """Return everything that the state after a bar, or after each of many, says."""
        return CellOutput(prior, posterior, sample, self.emit(sample), self.emit(self.transition(sample).mean))


def _bounded(change):
    """Bound a change of the latent mean: with a memory below 1 the filter is then stable whatever it has learnt.

    Without it a filter trained on windows may diverge over years of bars.
    """
    return _CHANGE_BOUND * jnp.tanh(change / _CHANGE_BOUND)


def _squash(log_variance):
    """Keep a log-variance in (-3, 1): a ratio of variances beyond that would only blow up the divergence."""
    return _LOG_VARIANCE_BOUND * jnp.tanh(log_variance / _LOG_VARIANCE_BOUND) - 1.0
