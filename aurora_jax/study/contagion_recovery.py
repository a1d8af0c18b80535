"""Is the causal tail field right: false edges where there are none, known graphs found again."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..certification import CausalTails, graph_f1
from ..core import PRNGKey, stream
from ..scenarios import ContagionJumps
from .contagion_markets import NULL_MARKETS


class NullRates(NamedTuple):
    """How a field without any true edge is found.

    Attributes:
        false_discovery_rate: share of markets with an edge at all; every edge is false, so this is the rate.
        standard_error: of it.
        edges_per_market: mean number.
        rejected_at_5_percent: share of single tests with p <= .05.
        markets: how many there were.
    """

    false_discovery_rate: float
    standard_error: float
    edges_per_market: float
    rejected_at_5_percent: float
    markets: int


class Recovery(NamedTuple):
    """How well known graphs are found: F1 with its standard error, precision and recall over all cells."""

    f1: float
    standard_error: float
    precision: float
    recall: float
    cells: int


def null_rates(market: str, key: PRNGKey, *, bars: int, assets: int, markets: int) -> NullRates:
    """Draw markets without causes and count the edges found."""
    tails, found, rejected = CausalTails(), [], []
    apart = ~np.eye(assets, dtype=bool)
    for number in range(markets):
        returns = NULL_MARKETS[market](stream(key, market, number), bars=bars, assets=assets)
        graph = field(tails, jnp.abs(returns))
        found.append(int(np.sum(graph.drivers)))
        rejected.append(float(np.mean(np.asarray(graph.p_values)[apart] <= 0.05)))
    share = float(np.mean(np.asarray(found) > 0))
    smoothed = (share * markets + 0.5) / (markets + 1.0)
    error = (smoothed * (1.0 - smoothed) / (markets + 1.0)) ** 0.5
    return NullRates(share, error, float(np.mean(found)), float(np.mean(rejected)), markets)


def drawn_cell(
    key: PRNGKey, number: int, *, bars: int, assets: int, **law
) -> tuple[ContagionJumps, Float[Array, "..."]]:
    """Return a contagion cell with a graph of its own, and a path of it."""
    chosen = ContagionJumps(assets=assets, graph_seed=number, **law)
    return chosen, chosen.returns(stream(key, "cell", number), steps=bars)


def recovery(key: PRNGKey, *, bars: int, assets: int, cells: int) -> Recovery:
    """Draw contagion cells, each with another graph, and compare the graphs found with the true ones."""
    found, truth = found_graphs(key, bars=bars, assets=assets, cells=cells)
    f1 = graph_f1(found, truth)
    hits = np.sum(found & truth)
    return Recovery(
        float(f1.value),
        float(f1.standard_error),
        float(hits / max(np.sum(found), 1)),
        float(hits / max(np.sum(truth), 1)),
        cells,
    )


def found_graphs(
    key: PRNGKey, *, bars: int, assets: int, cells: int
) -> tuple[Bool[np.ndarray, "cells sources targets"], Bool[np.ndarray, "cells sources targets"]]:
    """Return the graphs found in contagion cells, and the true ones: what the coverage certificate validates by."""
    tails, found, truth = CausalTails(), [], []
    for number in range(cells):
        law, returns = drawn_cell(key, number, bars=bars, assets=assets)
        found.append(np.asarray(field(tails, jnp.abs(returns)).drivers))
        truth.append(law.graph())
    return np.stack(found), np.stack(truth)


@eqx.filter_jit
def field(tails: CausalTails, series: Float[Array, "bars nodes"]):
    """Find the causal tail field, compiled once per shape."""
    return tails(series)
