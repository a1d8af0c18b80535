"""Log likelihoods of AR(1) and ARMA(1,1) on a standardised window: least squares, and one filter for each theta."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._recurrence import decayed_sums

THETAS = np.array([-0.97, -0.85, -0.65, -0.4, -0.2, 0.2, 0.4, 0.65, 0.85, 0.97])
"""Moving-average coefficients tried; 0 is the AR(1)."""

_VANISHING = 1e-6


def ar_gain(x: Float[Array, " bars"], *, uncounted: int) -> Float[Array, ""]:
    r"""Return the largest log likelihood of $x_t = c + \phi x_{t-1} + e_t$, less the constant $-\tfrac12 N \log 2\pi$.

    Args:
        x: mean 0, variance 1.
        uncounted: returns at the start that the sum leaves out, though the fit uses them.
    """
    return _regressed(x[1:], x[:-1], np.ones(x.size - 1), uncounted=uncounted)


def arma_gains(x: Float[Array, " bars"], *, uncounted: int) -> Float[Array, " thetas"]:
    r"""Return the same of $x_t = c + \phi x_{t-1} + e_t + \theta e_{t-1}$ for every theta, $\phi$ and c chosen for it.

    With $y^\theta_t = y_t - \theta y^\theta_{t-1}$ the filter that undoes the moving average,
    $e_t = x^\theta_t - \phi x^\theta_{t-1} - c 1^\theta_t$ is linear in $(\phi, c)$.
    """
    lags = np.arange(x.size)
    whole = decayed_sums(x, -THETAS)
    # The filter of x_1, x_2, ... does not know x_0: without what is left of it, that of the whole window is the same.
    target = whole[:, 1:] - jnp.asarray((-THETAS[:, None]) ** lags[1:], x.dtype) * x[0]
    one = np.cumsum((-THETAS[:, None]) ** lags[:-1], axis=1)
    return _regressed(target, whole[:, :-1], one, uncounted=uncounted)


def _regressed(
    target: Float[Array, "*lanes rows"],
    own: Float[Array, "*lanes rows"],
    constant: Float[np.ndarray, "*lanes rows"],
    *,
    uncounted,
) -> Float[Array, "*lanes"]:
    r"""Return the log likelihood of the least-squares residuals of `target` on two columns.

    All from sums of products over the rows: those not counted, those counted, and both,
    $\sum e^2 = \sum t^2 - 2 \phi \sum t o - 2 c \sum t 1 + \phi^2 \sum o^2 + 2 \phi c \sum o 1 + c^2 \sum 1^2$.
    """
    rows = target.shape[-1]
    later = np.arange(rows) >= uncounted - 1  # the row of return t is row t - 1
    sides = np.stack([np.ones(rows), later], axis=1)
    one = jnp.asarray(constant, target.dtype)
    products = jnp.stack([target * target, target * own, target * one, own * own, own * one], axis=-2)
    # One product of matrices instead of six sums.
    sums = products @ jnp.asarray(sides, target.dtype)
    sums = jnp.concatenate([sums, jnp.asarray(constant**2 @ sides, target.dtype)[..., None, :]], axis=-2)
    _, to, tc, oo, oc, cc = jnp.moveaxis(sums[..., 0], -1, 0)
    determinant = jnp.maximum(oo * cc - oc**2, _VANISHING * oo * cc)
    slope, level = (cc * to - oc * tc) / determinant, (oo * tc - oc * to) / determinant
    weights = jnp.stack([jnp.ones_like(slope), -2 * slope, -2 * level, slope**2, 2 * slope * level, level**2], axis=-1)
    whole, counted = jnp.moveaxis(jnp.sum(weights[..., None] * sums, axis=-2), -1, 0)
    variance = jnp.maximum(whole / rows, _VANISHING)
    return -0.5 * (float(later.sum()) * jnp.log(variance) + jnp.maximum(counted, 0.0) / variance)
