"""Soft labels from information criteria."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from aurora_jax.core import Outcome


class BicWeights(NamedTuple):
    """Approximate posterior probability of each family.

    Attributes:
        weights: sum to 1 along the last axis; uniform where no family could be fitted.
        outcome: `Outcome` code: OK, or NON_FINITE where every BIC is infinite.
    """

    weights: Float[Array, "*batch families"]
    outcome: Int[Array, "*batch"]


def bic_weights(
    bics: Float[Array | np.ndarray, "*batch families"],
) -> BicWeights:
    r"""Turn BICs of the same observations into weights, $w_i \propto e^{-BIC_i / 2}$.

    A family without a fit (+inf or NaN) gets weight 0.

    References:
        Kass and Raftery (1995), J. Am. Stat. Assoc. 90, 773-795, eq. 9.
    """
    bics = jnp.asarray(bics)
    fitted = jnp.isfinite(bics)
    none = ~jnp.any(fitted, axis=-1)
    usable = fitted | none[..., None]
    weights = jax.nn.softmax(jnp.where(fitted, -0.5 * bics, 0.0), axis=-1, where=usable)
    return BicWeights(weights, jnp.where(none, int(Outcome.NON_FINITE), int(Outcome.OK)))
