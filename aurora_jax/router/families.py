"""Which linear family explains a window best: BIC weights over AR, ARMA and GARCH."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from ..core import PRNGKey
from ..timeseries import BicWeights, bic_weights, fit_ar, fit_arma, fit_garch

FAMILIES = ("AR", "ARMA", "GARCH")
_BATCH_WINDOWS = 256  # one compiled shape, whatever the number of windows


@jax.jit
def _weigh(windows: Float[Array, "windows bars"]) -> BicWeights:
    def one(window):
        fits = fit_ar(window, order=1), fit_arma(window, order=(1, 1)), fit_garch(window)
        return bic_weights(jnp.stack([fit.bic for fit in fits]))

    return jax.vmap(one)(windows)


def family_weights(windows: Float[Array | np.ndarray, "windows bars"]) -> BicWeights:
    """Label windows of returns softly: softmax(-BIC / 2) over AR(1), ARMA(1,1), GARCH(1,1), in that order.

    A window that no family fits (constant, too short, not finite) gets uniform weights and an outcome saying why.

    Args:
        windows: one window of returns a row; scale does not matter.
    """
    table = np.asarray(windows, float)
    count = table.shape[0]
    padded = np.concatenate([table, np.repeat(table[-1:], -count % _BATCH_WINDOWS, axis=0)])
    parts = [_weigh(jnp.asarray(part)) for part in padded.reshape(-1, _BATCH_WINDOWS, table.shape[1])]
    weights, outcome = (jnp.concatenate(column)[:count] for column in zip(*parts, strict=True))
    return BicWeights(weights, outcome)


def draw_families(key: PRNGKey, weights: Float[Array, "windows families"]) -> Int[Array, " windows"]:
    """Draw the family of each window from its BIC weights: what a router that reports them is calibrated against.

    The heaviest family instead would come true more often than any of those weights says, and charge a router that
    reports them exactly with the difference.
    """
    return jr.categorical(key, jnp.log(weights), axis=-1)
