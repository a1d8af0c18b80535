"""Extremes as columns of a regression: of each series' past, of what all series share."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Outcome

_BULK_RANK = 0.9  # a measure of volatility that knows of no extremes, which are what is tested
_HALF_LIVES_BARS = (4.0, 32.0)
_OWN_HALF_LIFE_BARS = 16.0
STRATA = 7


def usable(series: Float[Array, "steps nodes"], *, tail_count: int) -> Int[Array, " nodes"]:
    """Return the `Outcome` of each series: NON_FINITE, CONSTANT (too many ties at the top, too) or OK."""
    finite = jnp.all(jnp.isfinite(series), axis=0)
    varies = jnp.any(exceedances(jnp.where(finite, series, 0.0), tail_count=tail_count), axis=0)
    outcome = jnp.where(varies, int(Outcome.OK), int(Outcome.CONSTANT))
    return jnp.where(finite, outcome, int(Outcome.NON_FINITE))


def exceedances(series: Float[Array, "steps nodes"], *, tail_count: int) -> Bool[Array, "steps nodes"]:
    """Mark the `tail_count` largest of each series; fewer where ties straddle the threshold."""
    return series > lax.top_k(series.T, tail_count + 1)[0][:, -1][None]


def ranks(series: Float[Array, "steps nodes"]) -> Float[Array, "steps nodes"]:
    """Return mid-ranks in (0, 1) of each series over time."""
    first = jax.vmap(lambda x: jnp.searchsorted(jnp.sort(x), x, side="left"), in_axes=1, out_axes=1)(series)
    last = jax.vmap(lambda x: jnp.searchsorted(jnp.sort(x), x, side="right"), in_axes=1, out_axes=1)(series)
    return 0.5 * (first + last).astype(series.dtype) / series.shape[0]


def lagged(series: Float[Array, "steps nodes"], *, lags: int) -> Float[Array, "rows lags nodes"]:
    """Return the values 1 to `lags` bars before each bar but the first `lags`."""
    steps = series.shape[0]
    return jnp.stack([series[lags - lag : steps - lag] for lag in range(1, lags + 1)], axis=1)


def shared_columns(
    extreme: Float[Array, "steps nodes"], rank: Float[Array, "steps nodes"], *, lags: int
) -> Float[Array, "rows columns"]:
    """Return what all series share before each bar: bars in which several were extreme, and volatility.

    Volatility is the running mean of -log(1 - rank) over all series, ranks capped at 0.9: one series' extreme must not
    pass for everybody's.
    """
    together = lagged(jnp.sum(extreme, axis=1, keepdims=True), lags=lags)[:, :, 0]
    crowd = jnp.log1p(jnp.maximum(together - 2.0, 0.0))
    bulk = jnp.mean(_bulk(rank), axis=1)
    volatility = [jnp.log(_before(bulk, half_life))[lags:, None] for half_life in _HALF_LIVES_BARS]
    several = (together >= 2.0).astype(extreme.dtype)
    return jnp.concatenate([several, *map(_standardised, (crowd, *volatility))], axis=1)


def own_volatility(rank: Float[Array, " steps"], *, lags: int) -> Float[Array, "rows 1"]:
    """Return the logarithm of one series' own running volatility before each bar."""
    return _standardised(jnp.log(_before(_bulk(rank), _OWN_HALF_LIFE_BARS))[lags:, None])


def largest_nearby(rank: Float[Array, "steps nodes"], *, lags: int) -> Float[Array, "steps nodes"]:
    """Return the largest -log(1 - rank) within `lags` bars before and after each bar."""
    score = -jnp.log1p(-rank)
    padded = jnp.pad(score, ((lags, lags), (0, 0)))
    return lax.reduce_window(padded, -jnp.inf, lax.max, (2 * lags + 1, 1), (1, 1), "VALID")


def strata(common: Float[Array, " rows"]) -> Float[Array, "rows strata"]:
    """Return indicators of the largest half, quarter, eighth ... of `common`, each without the next."""
    position = (jnp.searchsorted(jnp.sort(common), common, side="right").astype(common.dtype) - 0.5) / common.size
    level = jnp.clip(jnp.floor(-jnp.log2(1.0 - position)), 0, STRATA - 1).astype(int)
    return jax.nn.one_hot(level, STRATA, dtype=common.dtype)[:, 1:]


def _bulk(rank: Float[Array, "..."]) -> Float[Array, "..."]:
    return -jnp.log1p(-jnp.minimum(rank, _BULK_RANK))


def _before(value: Float[Array, " steps"], half_life_bars: float) -> Float[Array, " steps"]:
    """Return the exponential mean of `value` over the bars before each bar, 1 before the first."""
    kept = 0.5 ** (1.0 / half_life_bars)

    def advance(mean, new):
        return kept * mean + (1.0 - kept) * new, mean

    return lax.scan(advance, jnp.ones((), value.dtype), value)[1]


def _standardised(columns: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
    spread = jnp.std(columns, axis=0, keepdims=True)
    return (columns - jnp.mean(columns, axis=0, keepdims=True)) / jnp.where(spread > 0.0, spread, 1.0)
