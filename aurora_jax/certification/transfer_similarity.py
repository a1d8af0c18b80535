"""How much of one causal tail field is found in another."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from aurora_jax.core import Estimate, Number, Outcome

from .causal_tail_coefficient import BASELINE
from .causal_tails import TailGraph


class Replication(NamedTuple):
    """Which edges of one field hold in another.

    Attributes:
        share: causal transfer ratio (CTR), share of the edges found again; TOO_SHORT if there are none.
        found_again: the edges themselves.
    """

    share: Estimate
    found_again: Bool[Array, "sources targets"]


def replicate(graph: TailGraph, elsewhere: TailGraph, *, level: Number = 0.05) -> Replication:
    r"""Look for each edge of `graph`, at whatever lag, in `elsewhere`.

    An edge that was found among many is one hypothesis elsewhere: found again where the smallest of its L lags'
    one-sided p-values is at most level / L. Standard error $\sqrt{p (1 - p) / (m + 1)}$ at
    $p = (f + 1/2) / (m + 1)$ for f of m edges, so that all of a few do not pretend to certainty.

    References:
        Benjamini, Heller and Yekutieli (2009), Philosophical Transactions A 367, 4255-4271, on replicability.
    """
    edges = graph.drivers
    lags = graph.edges.shape[-1]
    found = edges & (lags * jnp.min(elsewhere.p_values, axis=-1) <= level)
    count, again = (jnp.sum(part, dtype=float) for part in (edges, found))
    smoothed = (again + 0.5) / (count + 1.0)
    error = jnp.sqrt(smoothed * (1.0 - smoothed) / (count + 1.0))
    none = count == 0.0
    outcome = jnp.where(none, int(Outcome.TOO_SHORT), int(Outcome.OK))
    share = again / jnp.maximum(count, 1.0)
    return Replication(Estimate(jnp.where(none, jnp.nan, share), jnp.where(none, jnp.nan, error), outcome), found)


def effect_similarity(first: TailGraph, second: TailGraph) -> Estimate:
    r"""Return the cosine of two fields' effects over the union of their edges, clipped to [0, 1] (DCTS).

    With $a, b$ the causal tail coefficients less 1/2,

    $$\cos = \frac{a^\top b}{\lVert a \rVert \lVert b \rVert}, \qquad
      \frac{\partial \cos}{\partial a} = \frac{b}{\lVert a \rVert \lVert b \rVert}
                                       - \cos \frac{a}{\lVert a \rVert^2}$$

    and a standard error by these slopes, effects taken as independent. TOO_SHORT without an edge, or where an edge of
    one could not be tested in the other.
    """
    union = first.edges | second.edges
    testable = (first.outcome == Outcome.OK) & (second.outcome == Outcome.OK)
    defined = jnp.any(union) & jnp.all(testable | ~union)
    used = union & testable
    a, b = (jnp.where(used, graph.effects - BASELINE, 0.0) for graph in (first, second))
    errors = [jnp.where(used, graph.standard_errors, 0.0) for graph in (first, second)]
    size_a, size_b = (jnp.maximum(jnp.sqrt(jnp.sum(part**2)), jnp.finfo(float).tiny) for part in (a, b))
    cosine = jnp.sum(a / size_a * (b / size_b))
    slopes = (b / size_b - cosine * a / size_a) / size_a, (a / size_a - cosine * b / size_b) / size_b
    variance = sum(jnp.sum((slope * error) ** 2) for slope, error in zip(slopes, errors, strict=True))
    outcome = jnp.where(defined, int(Outcome.OK), int(Outcome.TOO_SHORT))
    value, error = jnp.clip(cosine, 0.0, 1.0), jnp.sqrt(variance)
    return Estimate(jnp.where(defined, value, jnp.nan), jnp.where(defined, error, jnp.nan), outcome)
