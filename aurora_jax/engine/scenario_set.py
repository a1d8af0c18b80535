"""The scenarios that weights are chosen against: recent history beside the teacher's extremes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core import Number
from .history import ReturnHistory


class ScenarioSet(eqx.Module):
    """Simulated one-bar simple returns for each regime, with probabilities that keep tails in proportion.

    Attributes:
        returns: scenarios per family; none (n = 0) if no teacher knows this stream.
        probabilities: sum to 1 within each family.
        simulated_share: probability given to simulated scenarios as a whole, in [0, 1).
    """

    returns: Float[Array, "families n assets"]
    probabilities: Float[Array, "families n"]
    simulated_share: Float[Array, ""]

    def __check_init__(self):
        if self.returns.shape[:2] != self.probabilities.shape:
            raise ValueError(f"probabilities must have shape {self.returns.shape[:2]}, had {self.probabilities.shape}.")


def join(
    scenarios: ScenarioSet, history: ReturnHistory, families: Float[Array, " families"]
) -> tuple[Float[Array, "m assets"], Float[Array, " m"]]:
    """Join history and the likeliest family's simulated scenarios into one law.

    Args:
        scenarios: simulated.
        history: the stream's own; rows not yet filled get probability 0.
        families: probabilities of the regimes now.
    """
    family = jnp.argmax(families)
    simulated = scenarios.simulated_share if scenarios.returns.shape[1] else jnp.zeros(())
    held = history.held.astype(float)
    own = (1.0 - simulated) * held / jnp.maximum(jnp.sum(held), 1.0)
    rows = jnp.concatenate([history.rows, scenarios.returns[family]])
    return rows, jnp.concatenate([own, simulated * scenarios.probabilities[family]])


def expected_shortfall(
    losses: Float[Array, " n"], probabilities: Float[Array, " n"], *, tail_probability: Number
) -> Float[Array, ""]:
    r"""Return the mean of the worst `tail_probability` share of a discrete law, its boundary atom split.

    $$ES_p = \frac1p \sum_i \min\bigl(\pi_{(i)},\ (p - \textstyle\sum_{j<i} \pi_{(j)})_+\bigr)\, l_{(i)}$$

    with losses in descending order.

    References:
        Rockafellar and Uryasev (2002), J. Banking and Finance 26(7), prop. 8.
    """
    order = jnp.argsort(-losses)
    weights = probabilities[order]
    before = jnp.cumsum(weights) - weights
    taken = jnp.clip(tail_probability - before, 0.0, weights)
    return jnp.sum(taken * losses[order]) / tail_probability


def scenario_set(
    returns: Float[Array, "families paths assets"],
    *,
    tail_probability: float,
    tail_rows: int,
    body_rows: int,
    simulated_share: float,
) -> ScenarioSet:
    """Thin simulated one-bar returns to rows that stand for runs of ranks, each with the mass of its run.

    Ranks are by equal-weight loss. The worst `tail_probability` share keeps that mass on `tail_rows` rows; the other
    rows share the remainder. So rows are dense where the shortfall looks, and no loss is more probable than simulated.

    Args:
        returns: simple returns of one bar, per family.
        tail_probability: share of rows that counts as tail.
        tail_rows: rows kept from the tail.
        body_rows: rows kept from the rest.
        simulated_share: probability of the simulated part in the joint law.

    Raises:
        ValueError: if there are fewer simulated rows than asked for.
    """
    paths = returns.shape[1]
    tail = round(tail_probability * paths)
    if tail < tail_rows or paths - tail < body_rows:
        raise ValueError(
            f"{paths} simulated rows give {tail} in the tail, {tail_rows} + {body_rows} were asked for: simulate more."
        )
    edges = np.concatenate([_edges(0, tail, tail_rows), _edges(tail, paths, body_rows)[1:]])
    share = np.concatenate(
        [np.full(tail, tail_probability / tail), np.full(paths - tail, (1 - tail_probability) / (paths - tail))]
    )
    mass = np.add.reduceat(share, edges[:-1])
    rows = jax.vmap(lambda family: _typical_rows(family, edges))(returns)
    return ScenarioSet(
        rows.astype(float), jnp.broadcast_to(mass, (returns.shape[0], mass.size)), jnp.asarray(simulated_share)
    )


def _edges(start: int, stop: int, cells: int) -> np.ndarray:
    """Return where runs of ranks that share start..stop begin and end; the shorter runs are at the worse end."""
    shorter, longer = divmod(stop - start, cells)
    return start + np.cumsum([0, *[shorter] * (cells - longer), *[shorter + 1] * longer])


def _typical_rows(returns: Float[Array, "paths assets"], edges: np.ndarray) -> Float[Array, "cells assets"]:
    """Return each run's row nearest to its mean loss, worst run first; the middle row would understate the tail."""
    mean = jnp.mean(returns, axis=1)
    order = jnp.argsort(mean)
    cell = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    typical = jax.ops.segment_sum(mean[order], cell, num_segments=edges.size - 1) / np.diff(edges).astype(float)
    nearest_first = jnp.lexsort((jnp.abs(mean[order] - typical[cell]), cell))
    return returns[order[nearest_first[edges[:-1]]]]
