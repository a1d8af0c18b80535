"""Log likelihoods of AR(1) and ARMA(1,1) on a standardised window: least squares, and one filter for each theta."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

THETAS = np.array([-0.97, -0.85, -0.65, -0.4, -0.2, 0.2, 0.4, 0.65, 0.85, 0.97])
"""Moving-average coefficients tried; 0 is the AR(1)."""

_VANISHING = 1e-6


def ar_gain(x: Float[Array, " bars"], *, uncounted: int) -> Float[Array, ""]:
    r"""Return the largest log likelihood of $x_t = c + \phi x_{t-1} + e_t$, less the constant $-\tfrac12 N \log 2\pi$.

    Args:
        x: mean 0, variance 1.
        uncounted: returns at the start that the sum leaves out, though the fit uses them.
    """
    return _regressed(x[1:], x[:-1], jnp.ones_like(x[1:]), uncounted=uncounted)


def arma_gains(x: Float[Array, " bars"], *, uncounted: int) -> Float[Array, " thetas"]:
    r"""Return the same of $x_t = c + \phi x_{t-1} + e_t + \theta e_{t-1}$ for every theta, $\phi$ and c chosen for it.

    With $y^\theta_t = y_t - \theta y^\theta_{t-1}$ the filter that undoes the moving average,
    $e_t = x^\theta_t - \phi x^\theta_{t-1} - c 1^\theta_t$ is linear in $(\phi, c)$.
    """
    theta = jnp.asarray(THETAS, x.dtype)[:, None]
    rows = jnp.stack([x[1:], x[:-1], jnp.ones_like(x[1:])], axis=1)

    def undo(before, row):
        after = row[None, :] - theta * before
        return after, after

    _, filtered = lax.scan(undo, jnp.zeros((THETAS.size, 3), x.dtype), rows)
    target, own, one = (filtered[:, :, column].T for column in range(3))
    return _regressed(target, own, one, uncounted=uncounted)


def _regressed(
    target: Float[Array, "*lanes rows"],
    own: Float[Array, "*lanes rows"],
    one: Float[Array, "*lanes rows"],
    *,
    uncounted,
) -> Float[Array, "*lanes"]:
    """Return the log likelihood of the least-squares residuals of `target` on two columns."""

    def product(a, b):
        return jnp.sum(a * b, axis=-1)

    oo, oc, cc = product(own, own), product(own, one), product(one, one)
    to, tc = product(target, own), product(target, one)
    determinant = jnp.maximum(oo * cc - oc**2, _VANISHING * oo * cc)
    slope, level = (cc * to - oc * tc) / determinant, (oo * tc - oc * to) / determinant
    squares = (target - slope[..., None] * own - level[..., None] * one) ** 2
    variance = jnp.maximum(jnp.mean(squares, axis=-1), _VANISHING)
    # The row of return t is row t - 1.
    counted = jnp.sum(squares[..., uncounted - 1 :], axis=-1)
    rows = squares.shape[-1] - uncounted + 1
    return -0.5 * (rows * jnp.log(variance) + counted / variance)
