"""The causal tail coefficient at a lag: how high a series ranks after another was extreme."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .causal_tail_columns import exceedances, ranks
from .causal_tail_test import design_effect

BASELINE = 0.5
"""The coefficient where the source's extremes say nothing of the target."""


def causal_tail_coefficients(
    series: Float[Array, "steps nodes"], *, tail_count: int, lags: int, block_bars: int
) -> tuple[Float[Array, "sources targets lags"], Float[Array, "sources targets lags"]]:
    r"""Estimate how high each series ranks, on average, a lag after each was extreme.

    $$\hat\Gamma_{ij}(l) = \frac1{k_l} \sum_t \hat F_j(X_{j,t}) \, 1\{X_{i,t-l} \text{ among the } k \text{ largest}\}$$

    1/2 where i says nothing of j, towards 1 where an extreme of i makes one of j.

    Args:
        series: large is extreme; finite.
        tail_count: k.
        lags: the largest l.
        block_bars: bars that stay together in the standard error.

    Returns:
        The coefficients and their standard errors, those of a mean over the extremes times the root of their
        `design_effect`. 1/2 with error 0 where a source has no extreme early enough.

    References:
        Gnecco, Meinshausen, Peters and Engelke (2021), Annals of Statistics 49(3), 1755-1778, eq. 7, whose coefficient
        is contemporaneous.
    """
    steps = series.shape[0]
    extreme, rank = exceedances(series, tail_count=tail_count).astype(series.dtype), ranks(series)

    def pair(source, target, lag):
        after = jnp.roll(source, lag).at[:lag].set(0.0)
        count = jnp.sum(after)
        mean = jnp.where(count > 0.0, after @ target / jnp.maximum(count, 1.0), BASELINE)
        deviations = (after * (target - mean))[:, None]
        spread = jnp.sum(deviations**2) * design_effect(deviations, block_bars=min(block_bars, steps))[0]
        return mean, jnp.sqrt(spread) / jnp.maximum(count, 1.0)

    over_lags = [jax.vmap(jax.vmap(lambda s, t, lag=lag: pair(s, t, lag), (None, 1)), (1, None)) for lag in _to(lags)]
    found = [each(extreme, rank) for each in over_lags]
    means, errors = (jnp.stack(part, axis=-1) for part in zip(*found, strict=True))
    return means, errors


def _to(lags: int) -> range:
    return range(1, lags + 1)
