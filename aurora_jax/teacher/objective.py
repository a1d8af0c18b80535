"""What the teacher is trained to make small."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..core import PRNGKey
from ..signatures import SignatureKernel
from .diffusion import log_scale
from .likelihood import TeacherData, log_likelihood
from .model import NFSDE
from .signature_loss import PathView, Windows, signature_distance


class Parts(NamedTuple):
    """The parts of the objective before weighting.

    Attributes:
        negative_log_likelihood: nats per bar.
        signature_distance: squared maximum mean discrepancy; 0 where its weight is.
        separation: jumps per bar plus the mean squared slope of the diffusion.
    """

    negative_log_likelihood: Float[Array, ""]
    signature_distance: Float[Array, ""]
    separation: Float[Array, ""]


class Weights(NamedTuple):
    """lambda_sig and lambda_sep; 0 leaves a part out."""

    signature: float
    separation: float


class SignatureSettings(NamedTuple):
    """How paths are compared; see `signature_distance`."""

    depth: int
    kernel: SignatureKernel | None
    step_size: int


def separation(model: NFSDE, data: TeacherData) -> Float[Array, ""]:
    r"""Return $\mathbb E \lambda + \mathbb E \| \nabla_x g \|_F^2 / (d \sigma^2)$ per bar.

    The separation term keeps jumps and volatility from explaining the same bars: it costs to jump often, and it costs
    for the diffusion to react strongly to the state. Only the factors enter g, where $\partial g / \partial v = g$,
    here in units of the typical deviation $\sigma$ of d assets: what the slope costs does not depend on how long a bar
    is. $\mathbb E \lambda$ is the stationary rate, offspring included.
    """
    table = model.by_regime()
    law = table.jump_law
    at_rest = law.intensity + 0.5 * jnp.sum(law.response, axis=-1)
    rate = jnp.mean(at_rest[data.regime]) / (1.0 - model.branching_ratio)
    square = jnp.sum(table.price_factor**2, axis=(1, 2)) / (model.assets * lax.stop_gradient(model.diffusion.size) ** 2)
    level = jnp.exp(2.0 * log_scale(data.smooth_log_volatility[:, :-1]))
    return rate + jnp.mean(level * square[data.regime][:, None])


def objective(
    model: NFSDE,
    key: PRNGKey,
    data: TeacherData,
    windows: Windows,
    view: PathView,
    *,
    weights: Weights,
    settings: SignatureSettings,
) -> tuple[Float[Array, ""], Parts]:
    r"""Return $J = -\log p(X) + \lambda_{sig}\, \mathrm{MMD}^2_{sig}(X, \hat X) + \lambda_{sep}\, S$ and its parts.

    Args:
        model: the teacher.
        key: parent of the simulated windows' streams.
        data: blocks for the likelihood and the separation S.
        windows: real windows that simulated ones are compared with.
        view: channels that are compared.
        weights: of the parts.
        settings: of the comparison.
    """
    fit = -log_likelihood(model, data)
    apart = separation(model, data)
    distance = jnp.zeros((), fit.dtype)
    if weights.signature:
        distance = signature_distance(model, key, windows, view, **settings._asdict()).astype(fit.dtype)
    total = fit + weights.signature * distance + weights.separation * apart
    return total, Parts(fit, distance, apart)
