"""What the teacher is trained to make small."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import Number, PRNGKey
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
    bandwidth: Number | None
    step_size: int


def separation(model: NFSDE, data: TeacherData) -> Float[Array, ""]:
    r"""Return $\mathbb E \lambda + \mathbb E \| \nabla_x g \|_F^2$ per bar.

    The separation term keeps jumps and volatility from explaining the same bars: it costs to jump often, and it costs
    for the diffusion to react strongly to the state. Only the factors enter g, where $\partial g / \partial v = g$.
    $\mathbb E \lambda$ is the stationary rate, offspring included.
    """
    table = model.by_regime()
    law = table.jump_law
    at_rest = law.intensity + 0.5 * jnp.sum(law.response, axis=-1)
    rate = jnp.mean(at_rest[data.regime]) / (1.0 - model.branching_ratio)
    level = jnp.exp(2.0 * jnp.sum(data.smooth_log_volatility, axis=-1))
    steepness = jnp.mean(level * jnp.sum(table.price_factor[data.regime] ** 2, axis=(1, 2))[:, None])
    return rate + steepness


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
