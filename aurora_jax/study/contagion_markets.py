"""Markets in which nobody causes anybody's extremes, however much they share."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..core import PRNGKey, stream

_WARM_UP_BARS = 300
_DEGREES = 3.0


def independent(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return independent Student-t returns with 3 degrees of freedom."""
    return jr.t(key, _DEGREES, (bars, assets))


def gaussian_factor(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return Gaussian returns with a common factor of half the variance: light tails."""
    common = jr.normal(stream(key, "factor"), (bars, 1))
    return common + jr.normal(stream(key, "own"), (bars, assets))


def common_factor(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return a heavy-tailed factor that hits all in the same bar, with loadings from .5 to 1.5, over own shocks."""
    return _factor(key, bars, assets) + independent(stream(key, "own"), bars=bars, assets=assets)


def common_volatility(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return heavy-tailed returns whose volatility is one and persistent for all."""
    return _volatility(key, bars)[:, None] * independent(stream(key, "own"), bars=bars, assets=assets)


def common_factor_and_volatility(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return a heavy-tailed factor over own shocks, all under one persistent volatility."""
    return _volatility(key, bars)[:, None] * common_factor(key, bars=bars, assets=assets)


def own_volatility_clusters(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return independent GARCH(1,1) returns, alpha .12 and beta .83."""

    def advance(variance, normal):
        value = jnp.sqrt(variance) * normal
        return 0.05 + 0.12 * value**2 + 0.83 * variance, value

    normals = jr.normal(key, (_WARM_UP_BARS + bars, assets))
    return jax.lax.scan(advance, jnp.ones(assets), normals)[1][_WARM_UP_BARS:]


def lagged_factor(key: PRNGKey, *, bars: int, assets: int) -> Float[Array, "bars assets"]:
    """Return a heavy-tailed factor that reaches a third of the series at once, a third a bar later, a third two."""
    factor = _factor(key, bars + 2, assets)
    delays = jr.permutation(stream(key, "delays"), jnp.arange(assets) % 3)
    rows = jnp.arange(bars)[:, None] + 2 - delays[None]
    late = jnp.take_along_axis(factor, rows, axis=0)
    return late + independent(stream(key, "own"), bars=bars, assets=assets)


NULL_MARKETS: Mapping[str, Callable[..., Float[Array, "bars assets"]]] = {
    "independent, heavy tails": independent,
    "common factor, heavy tails": common_factor,
    "common volatility, heavy tails": common_volatility,
    "common factor and volatility": common_factor_and_volatility,
    "own volatility clusters": own_volatility_clusters,
    "common factor, light tails": gaussian_factor,
    "common factor at different lags": lagged_factor,
}
"""By name; the last is the one that a field cannot tell from causes: some series do see the shock first."""


def _factor(key: PRNGKey, bars: int, assets: int) -> Float[Array, "bars assets"]:
    loadings = jr.uniform(stream(key, "loadings"), (1, assets), minval=0.5, maxval=1.5)
    return loadings * jr.t(stream(key, "factor"), _DEGREES, (bars, 1))


def _volatility(key: PRNGKey, bars: int) -> Float[Array, " bars"]:
    """Return exp(h) with h autoregressive, persistence .97 and innovations .2: half-life 23 bars, deviation .8."""

    def advance(level, normal):
        level = 0.97 * level + 0.2 * normal
        return level, level

    normals = jr.normal(stream(key, "volatility"), (_WARM_UP_BARS + bars,))
    return jnp.exp(jax.lax.scan(advance, jnp.zeros(()), normals)[1][_WARM_UP_BARS:])
