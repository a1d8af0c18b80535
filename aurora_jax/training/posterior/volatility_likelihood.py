"""How likely readings of log-volatility are: fractional noise seen through reading errors."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Number
from aurora_jax.stochastic.covariance import second_difference

_NODES = 60
_HURST_MAX = 0.95  # at 1 the covariance is singular, and near it no polynomial follows
_BLOCK_STEPS = 256


def reading_autocovariance(
    *, hurst: Number, volatility_of_volatility: Number, error_variance: Number, steps: int
) -> Float[Array, " steps"]:
    r"""Return the autocovariance of differenced readings $y_t = \nu B^H_t + e_t$ at lags 0 up to `steps` - 1.

    $$\gamma(k) = \tfrac12 \nu^2 (|k-1|^{2H} - 2|k|^{2H} + |k+1|^{2H}) + s^2 (2 \cdot 1_{k=0} - 1_{k=1})$$

    Args:
        hurst: H in (0, 1).
        volatility_of_volatility: nu, deviation of the factor's change over one bar.
        error_variance: s^2 of the white reading error.
        steps: at least 2.
    """
    hurst, scale = jnp.asarray(hurst, float), jnp.asarray(volatility_of_volatility, float)
    lags = np.arange(steps)
    fractional = 0.5 * second_difference(lags, 2.0 * hurst) * scale**2
    return fractional + jnp.asarray(error_variance, float) * jnp.asarray(2.0 * (lags == 0) - (lags == 1))


class ReadingTable(NamedTuple):
    r"""Bases in which fractional noise and differenced errors are both diagonal, one for each node of H.

    With $D = C C^\top$ the covariance of differenced unit errors and
    $C^{-1} \Gamma_H C^{-\top} = U \Lambda U^\top$, the covariance
    $\nu^2 \Gamma_H + s^2 D = C U (\nu^2 \Lambda + s^2) U^\top C^\top$ whatever the two sizes.

    Attributes:
        nodes: values of H.
        eigenvalues: Lambda.
        bases: $U^\top C^{-1}$, which take a block of differenced readings to independent coefficients.
        log_determinant: of D.
        weights: barycentric weights of the nodes, for interpolation in H.
    """

    nodes: Float[Array, " nodes"]
    eigenvalues: Float[Array, "nodes steps"]
    bases: Float[Array, "nodes steps steps"]
    log_determinant: Float[Array, ""]
    weights: Float[Array, " nodes"]


class ReadingPower(NamedTuple):
    """What the likelihood needs of the differenced readings.

    Attributes:
        squares: squared coefficients of each node's basis, summed over blocks.
        blocks: number of blocks.
    """

    squares: Float[Array, "nodes steps"]
    blocks: Float[Array, ""]


def reading_table(steps: int) -> ReadingTable:
    """Return the table for `steps` differenced readings, cut into blocks of about 256.

    Raises:
        ValueError: if there are fewer than 3 steps.
    """
    if steps < 3:
        raise ValueError(f"steps must be at least 3, was {steps}.")
    return _block_table(steps // max(1, round(steps / _BLOCK_STEPS)))  # as many blocks as leave hardly a rest


@functools.lru_cache(maxsize=4)  # sixty bases of 256 x 256 are seconds of work and 31 MB
def _block_table(size: int) -> ReadingTable:
    # Chebyshev nodes of the first kind: the ends of the range are none of them.
    place = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    nodes = 0.5 * _HURST_MAX * (place + 1.0)
    weights = (-1.0) ** np.arange(_NODES) * np.sin(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    factor = np.linalg.cholesky(scipy.linalg.toeplitz(_row(0.5, 0.0, 1.0, size)))
    whitening = scipy.linalg.solve_triangular(factor, np.eye(size), lower=True)
    noise = np.stack([scipy.linalg.toeplitz(_row(hurst, 1.0, 0.0, size)) for hurst in nodes])
    eigenvalues, vectors = _eigenvectors(jnp.asarray(noise), jnp.asarray(whitening))
    return ReadingTable(
        jnp.asarray(nodes),
        eigenvalues,
        jnp.einsum("hji,jk->hik", vectors, whitening),
        jnp.asarray(2.0 * np.sum(np.log(np.diag(factor)))),
        jnp.asarray(weights),
    )


@jax.jit  # XLA's, all nodes at once: NumPy's, one by one, is a hundred times slower where others use the cores as well
def _eigenvectors(
    noise: Float[Array, "nodes steps steps"], whitening: Float[Array, "steps steps"]
) -> tuple[Float[Array, "nodes steps"], Float[Array, "nodes steps steps"]]:
    vectors, values = lax.linalg.eigh(whitening @ noise @ whitening.T, sort_eigenvalues=True)
    return jnp.maximum(values, 1e-12), vectors


def reading_power(increments: Float[Array, " steps"], table: ReadingTable) -> ReadingPower:
    """Cut differenced readings into whole blocks and sum their squared coefficients; a rest is left out."""
    size = table.bases.shape[1]
    blocks = increments.shape[0] // size
    cut = increments[: blocks * size].reshape(blocks, size)
    coefficients = jnp.einsum("hij,bj->hbi", table.bases, cut)
    return ReadingPower(jnp.sum(coefficients**2, axis=1), jnp.asarray(float(blocks)))


def volatility_log_likelihood(
    power: ReadingPower,
    table: ReadingTable,
    *,
    hurst: Number,
    volatility_of_volatility: Number,
    error_variance: Number,
) -> Float[Array, ""]:
    r"""Return the Gaussian log-likelihood of differenced readings, exact inside blocks of about 256.

    $$\ell = -\tfrac12 \sum_i \Bigl( b \log(\nu^2 \lambda_i + s^2) + \frac{c_i}{\nu^2 \lambda_i + s^2} \Bigr)
      - \tfrac{b}{2} (\log |D| + n \log 2 \pi)$$

    with c the squared coefficients summed over b blocks of n, at each node of H, and by the polynomial through the
    nodes between them: it is analytic in H. Approximation: blocks are taken as independent, which costs the little
    that differenced readings 256 bars apart know of each other. (Whittle's likelihood was tried: it neglects how
    Fourier coefficients of a rough path hang together, and put H .6 of a standard error off.)

    Args:
        power: `reading_power` of the differenced readings.
        table: `reading_table` of as many.
        hurst: H in (0, 0.95); beyond it nothing is likely.
        volatility_of_volatility: nu, deviation of the factor's change over one bar.
        error_variance: s^2 > 0 of the white reading error.
    """
    scale = jnp.asarray(volatility_of_volatility, float) ** 2
    # Positive in exact arithmetic; where rounding leaves nothing, the draw is refused and is not NaN.
    variance = jnp.maximum(scale * table.eigenvalues + jnp.asarray(error_variance, float), 1e-300)
    size = table.eigenvalues.shape[1]
    constant = table.log_determinant + size * jnp.log(2.0 * jnp.pi)
    sums = jnp.sum(power.blocks * jnp.log(variance) + power.squares / variance, axis=1)
    inside = jnp.minimum(jnp.asarray(hurst, float), _HURST_MAX)
    found = _interpolated(-0.5 * (sums + power.blocks * constant), table, inside)
    return jnp.where(hurst <= _HURST_MAX, found, -1e12)


def _interpolated(values: Float[Array, " nodes"], table: ReadingTable, hurst: Float[Array, ""]) -> Float[Array, ""]:
    """Return the polynomial through the nodes at H, by the barycentric formula."""
    gap = hurst - table.nodes
    close = jnp.abs(gap) < 1e-12
    ratio = table.weights / jnp.where(close, 1.0, gap)
    between = jnp.sum(ratio * values) / jnp.sum(ratio)
    return jnp.where(jnp.any(close), jnp.sum(jnp.where(close, values, 0.0)), between)


def _row(hurst: float, scale: float, error: float, steps: int) -> Float[np.ndarray, " steps"]:
    law = {"hurst": hurst, "volatility_of_volatility": scale, "error_variance": error}
    return np.asarray(reading_autocovariance(**law, steps=steps))
