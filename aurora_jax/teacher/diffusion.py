"""The diffusion of prices, with eigenvalues that stay between two bounds by construction."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..core import PRNGKey, stream
from .regime_map import RegimeMap, inverse_softplus, regime_map

LARGEST_LOG_VOLATILITY = 4.0
"""Bound on the sum of the factors inside the diffusion: a bar is at most e^4 = 55 times as volatile as a calm one."""


class PriceDiffusion(eqx.Module):
    r"""Diffusion of log prices $g(x, z) = e^{\sum_k v_k} L(z)$, L lower triangular.

    $$L L^\top = \ell^2 I + B(z) B(z)^\top, \qquad \lVert B \rVert_2^2 \le c^2 - \ell^2,$$

    so that every singular value of L lies in $[\ell, c]$, and, as $\sum_k v_k$ is held within four, every one of g in
    $[e^{-4} \ell, e^4 c]$. The factors load equally on every asset; differences between assets live in L.

    Attributes:
        factor: B(z) in units of `size`: diagonal before its softplus, then what lies below it, row by row.
        floor: smallest singular value; a setting, not fitted.
        ceiling: largest singular value; a setting, not fitted.
        size: typical element of B; a setting, so that every raw parameter is of the order of 1.
        assets: number of price channels.
    """

    factor: RegimeMap
    floor: Float[Array, ""]
    ceiling: Float[Array, ""]
    size: Float[Array, ""]
    assets: int = eqx.field(static=True)

    def __call__(self, embedding: Float[Array, " embedding"]) -> Float[Array, "assets assets"]:
        """Return L(z)."""
        # Settings are arrays, so that a shocked teacher needs no compilation of its own; but nothing fits them.
        size = lax.stop_gradient(self.size)
        floor, ceiling = lax.stop_gradient(self.floor) / size, lax.stop_gradient(self.ceiling) / size
        raw = self.factor(embedding)
        rows, columns = jnp.tril_indices(self.assets, -1)
        unit = jnp.diag(jax.nn.softplus(raw[: self.assets])).at[rows, columns].set(raw[self.assets :])
        # Exact for a matrix this small.
        largest = jnp.linalg.eigvalsh(unit @ unit.T)[-1]
        shrink = jnp.minimum(1.0, (ceiling**2 - floor**2) / largest)
        return size * jnp.linalg.cholesky(floor**2 * jnp.eye(self.assets, dtype=raw.dtype) + shrink * (unit @ unit.T))


def log_scale(volatility: Float[Array, "*bars factors"]) -> Float[Array, "*bars"]:
    """Return the sum of the factors, held within `LARGEST_LOG_VOLATILITY`."""
    return jnp.clip(jnp.sum(volatility, axis=-1), -LARGEST_LOG_VOLATILITY, LARGEST_LOG_VOLATILITY)


def price_diffusion(key: PRNGKey, covariance: Float[Array, "assets assets"], *, embedding_size: int) -> PriceDiffusion:
    """Start at the Cholesky factor of `covariance` (log returns per bar) in every regime.

    The floor is a fifth of the smallest singular value of that factor, the ceiling ten times the largest.

    Raises:
        ValueError: if `covariance` is not positive definite.
    """
    eigenvalues = jnp.linalg.eigvalsh(covariance)
    if not bool(eigenvalues[0] > 0.0):
        raise ValueError("covariance must be positive definite; drop duplicated or constant assets.")
    assets = covariance.shape[0]
    floor, ceiling = 0.2 * jnp.sqrt(eigenvalues[0]), 10.0 * jnp.sqrt(eigenvalues[-1])
    size = jnp.sqrt(jnp.mean(jnp.diag(covariance)))
    unit = jnp.linalg.cholesky((covariance - floor**2 * jnp.eye(assets, dtype=covariance.dtype)) / size**2)
    rows, columns = jnp.tril_indices(assets, -1)
    raw = jnp.concatenate([inverse_softplus(jnp.diag(unit)), unit[rows, columns]])
    factor = regime_map(stream(key, "factor"), raw, embedding_size=embedding_size, spread=0.01)
    return PriceDiffusion(factor, floor, ceiling, size, assets)
