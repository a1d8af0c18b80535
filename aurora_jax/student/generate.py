"""The student as a generator: returns rolled out from a latent state, or decoded from a path of states."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from ..stochastic.counter_random import normals
from .model import DSSM
from .trailing import Trailing


def generate(
    network: DSSM, trailing: Trailing, key: PRNGKey, latent: Float[Array, "assets latent"], *, bars: int
) -> Float[Array, "bars assets"]:
    r"""Roll returns out of the prior, from `latent` on.

    $z_{t+1} \sim p(z_{t+1}|z_t)$, $x_t = \mu(z_t) + \sigma(z_t) \sqrt{w_t}\, C n_t$ with one mixing variable
    $w_t$ for all assets (see `AbstractEmission`), times the scale expected after what was generated.

    Args:
        network: the model.
        trailing: volatility and correlation at the start.
        key: parent of the streams used here: "mixing", "normal", "latent", in which more bars leave the first ones as
            they were.
        latent: state z before the first bar.
        bars: length.
    """
    factor = jnp.linalg.cholesky(trailing.base_correlation)
    # Whole rows at once: key by key, JAX's own draws took three quarters of the time of a fan of paths.
    mixing = network.emission.mixing(stream(key, "mixing"), bars, factor.dtype)
    normal = normals(stream(key, "normal"), bars * latent.shape[0], dtype=factor.dtype)
    normal = normal.reshape(bars, latent.shape[0]) @ factor.T
    noise = normals(stream(key, "latent"), bars * latent.size, dtype=jnp.float32).reshape(bars, *latent.shape)

    def advance(carry, inputs):
        before, volatility = carry
        weight, shock, eps = inputs
        prior = network.transition(before)
        now = prior.mean + jnp.exp(0.5 * prior.log_variance) * eps
        location, log_scale = (part.astype(factor.dtype) for part in network.emit(now))
        standard = location + jnp.exp(log_scale) * jnp.sqrt(weight) * shock
        returns = standard * trailing.scale(volatility)
        return (now, trailing.step_scale(volatility, returns)), returns

    return jax.lax.scan(advance, (latent, trailing.init()), (mixing, normal, noise))[1]


def shocks(
    network: DSSM, latent: Float[Array, "*batch latent"], standard_returns: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    r"""Return what the emission leaves unexplained: $\varepsilon_t = (x_t - \mu(z_t)) / \sigma(z_t)$.

    Args:
        network: the model.
        latent: z_t.
        standard_returns: x_t, in expected scales.
    """
    location, log_scale = network.emit(latent)
    return (standard_returns - location) * jnp.exp(-log_scale)


def decode(
    network: DSSM,
    trailing: Trailing,
    latent: Float[Array, "bars assets latent"],
    shock: Float[Array, "bars assets"],
) -> Float[Array, "bars assets"]:
    r"""Return the log returns that a path of states and shocks stands for; the inverse of filtering and `shocks`.

    $x_t = \mu(z_t) + \sigma(z_t) \varepsilon_t$, times the scale expected after what was decoded before.

    Args:
        network: the model.
        trailing: volatility at the start; it scales the whole result.
        latent: z_t.
        shock: $\varepsilon_t$, dependence between assets included.
    """
    location, log_scale = network.emit(latent)
    standard = (location + jnp.exp(log_scale) * shock).astype(trailing.base_variance.dtype)

    def advance(volatility, now):
        returns = now * trailing.scale(volatility)
        return trailing.step_scale(volatility, returns), returns

    return jax.lax.scan(advance, trailing.init(), standard)[1]
