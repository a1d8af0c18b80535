"""Ranks and Kendall's tau of two series, whole and with one block of time left out after the other."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .jackknife import BLOCKS


class Ranked(NamedTuple):
    """Ranks among the times that are kept; row 0 keeps all, row b leaves out block b - 1.

    Attributes:
        first: rank of x, from 1; 0 where left out.
        second: rank of y.
        tau: Kendall's rank correlation.
    """

    first: Int[Array, "leavings steps"]
    second: Int[Array, "leavings steps"]
    tau: Float[Array, " leavings"]


def _ranks(series: Float[Array, " steps"]) -> Int[Array, " steps"]:
    """Return ranks from 1, ties in order of time."""
    order = jnp.argsort(series, stable=True)
    return jnp.zeros(series.size, jnp.int32).at[order].set(jnp.arange(1, series.size + 1, dtype=jnp.int32))


def _below(rank: Int[Array, " steps"], out: Bool[Array, "blocks steps"]) -> Int[Array, "blocks steps"]:
    """Return how many steps of each block have a lower rank, for every step."""
    by_rank = jnp.zeros_like(out).at[:, rank - 1].set(out)
    return (jnp.cumsum(by_rank, axis=1, dtype=rank.dtype) - by_rank.astype(rank.dtype))[:, rank - 1]


def ranked(x: Float[Array, " steps"], y: Float[Array, " steps"]) -> Ranked:
    r"""Return ranks and $\tau = \binom{n}{2}^{-1} \sum_{s<t} \mathrm{sgn}(x_s - x_t)\,\mathrm{sgn}(y_s - y_t)$.

    Blocks have floor(n / 10) steps each; the few after the last one always stay. Ranks cost n log n, tau all n^2
    comparisons in a loop over one member of the pair.

    References:
        Kendall (1938), Biometrika 30, 81-93.
    """
    steps, width = x.size, x.size // BLOCKS
    first, second = _ranks(x), _ranks(y)
    out = (jnp.arange(steps) // width)[None, :] == jnp.arange(BLOCKS)[:, None]
    below_first, below_second = _below(first, out), _below(second, out)

    def below_both(start):
        def add(i, count):
            return count + ((first[start + i] < first) & (second[start + i] < second)).astype(count.dtype)

        return lax.fori_loop(0, width, add, jnp.zeros_like(first))

    both = lax.map(below_both, width * jnp.arange(BLOCKS))
    # Of the block's other steps those below in both series or in neither agree in sign, the rest disagree.
    signs = 4 * both - 2 * below_first - 2 * below_second + width - out.astype(first.dtype)
    rest = [series[BLOCKS * width :] for series in (first, second)]
    tail_signs = jnp.prod(jnp.stack([jnp.sign(series[:, None] - series[None, :]) for series in rest]), axis=0)
    # Every pair counts twice, once from either side: blocks against all, what follows them against blocks and itself.
    per_block = jnp.sum(signs, axis=1).astype(x.dtype)
    whole = jnp.sum(per_block) + (jnp.sum(signs[:, BLOCKS * width :]) + jnp.sum(tail_signs)).astype(x.dtype)
    inside = jnp.sum(jnp.where(out, signs, 0), axis=1).astype(x.dtype)
    kept = steps - width
    without = (whole - 2.0 * per_block + inside) / (kept * (kept - 1.0))
    kept_ranks = [
        jnp.where(out, 0, rank[None, :] - below) for rank, below in ((first, below_first), (second, below_second))
    ]
    return Ranked(
        jnp.concatenate([first[None, :], kept_ranks[0]]),
        jnp.concatenate([second[None, :], kept_ranks[1]]),
        jnp.concatenate([whole[None] / (steps * (steps - 1.0)), without]),
    )
