"""One number for how unsure AURORA is: uncertainty of its parts, and of its own track record."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Number


class KappaParts(NamedTuple):
    """Uncertainty of the state, the choice of model and the forecast; or the weights on them."""

    state: Number
    model: Number
    forecast: Number


def kappa(parts: KappaParts, weights: KappaParts) -> Float[Array, ""]:
    r"""Return the weighted mean $(w_s U_s + w_m U_m + w_f U_f) / (w_s + w_m + w_f)$, in [0, 1] as its parts are.

    Args:
        parts: each in [0, 1].
        weights: each >= 0, not all 0.
    """
    total = weights.state + weights.model + weights.forecast
    total = eqx.error_if(jnp.asarray(total, float), jnp.asarray(total) <= 0, "kappa weights must not all be 0.")
    return jnp.asarray(
        (weights.state * parts.state + weights.model * parts.model + weights.forecast * parts.forecast) / total
    )


def kappa_plus(kappa: Number, bcc: Number, *, gamma: Number) -> Float[Array, ""]:
    r"""Return $\gamma \kappa + (1 - \gamma)(1 - \mathrm{BCC})$, in [0, 1].

    Args:
        kappa: model uncertainty in [0, 1].
        bcc: calibration of trailing coverage in [0, 1].
        gamma: weight on kappa in [0, 1].
    """
    return jnp.asarray(gamma * kappa + (1.0 - gamma) * (1.0 - bcc))
