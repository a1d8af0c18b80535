"""The causal coverage certificate: is the causal tail field of this size to be believed, and is this one stable?"""

import enum
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Estimate, Number, Outcome

from .causal_tails import CausalTails, TailGraph
from .transfer_similarity import replicate


class Ground(enum.IntEnum):
    """Why a causal coverage certificate was granted or not."""

    GRANTED = 0
    NO_EDGES = 1
    NOT_VALIDATED = 2
    UNSTABLE = 3

    @property
    def message(self) -> str:
        """Return a sentence that tells a reader why."""
        return _MESSAGES[self]


_MESSAGES = {
    Ground.GRANTED: "known graphs of this size are found, and both halves confirm this one",
    Ground.NO_EDGES: "no edge was found, or the series could not be tested",
    Ground.NOT_VALIDATED: "known graphs of this size are not found well enough",
    Ground.UNSTABLE: "the halves of the window do not confirm the graph",
}


class CausalCoverage(NamedTuple):
    """The causal coverage certificate (CCC).

    Attributes:
        granted: whether policies may rest on the field.
        ground: `Ground` code: why, or why not.
        f1: of graphs found in simulated cells of the same size, with its standard error over cells.
        stability: share of the field's edges confirmed by the half window that confirms fewer.
    """

    granted: Bool[Array, ""]
    ground: Int[Array, ""]
    f1: Estimate
    stability: Float[Array, ""]


def graph_f1(
    found: Bool[Array | np.ndarray, "cells sources targets"], truth: Bool[Array | np.ndarray, "cells sources targets"]
) -> Estimate:
    r"""Return $F_1 = 2 TP / (2 TP + FP + FN)$ over all cells' edges, self-excitation left out.

    Standard error by leaving out one cell after the other; 0 with one cell only. TOO_SHORT without an edge, true or
    found.

    References:
        van Rijsbergen (1979), Information Retrieval, ch. 7; Efron and Stein (1981), Annals of Statistics 9(3), for the
        jackknife.
    """
    apart = ~jnp.eye(found.shape[-1], dtype=bool)[None]
    hit = jnp.sum(jnp.asarray(found) & jnp.asarray(truth) & apart, axis=(1, 2), dtype=float)
    marked = sum(jnp.sum(jnp.asarray(part) & apart, axis=(1, 2), dtype=float) for part in (found, truth))
    hits, marks = jnp.sum(hit), jnp.sum(marked)
    value = 2.0 * hits / jnp.maximum(marks, 1.0)
    cells = found.shape[0]
    without = 2.0 * (hits - hit) / jnp.maximum(marks - marked, 1.0)
    error = jnp.sqrt((cells - 1) / cells * jnp.sum((without - jnp.mean(without)) ** 2))
    none = marks == 0.0
    outcome = jnp.where(none, int(Outcome.TOO_SHORT), int(Outcome.OK))
    return Estimate(jnp.where(none, jnp.nan, value), jnp.where(none, jnp.nan, error), outcome)


class CoverageCertifier(eqx.Module):
    """Grants the causal coverage certificate.

    Attributes:
        tails: how the field is found.
        f1_min: least F1 on cells of known graph with the same bars and series.
        stability_min: least share of the edges that each half window must confirm.
        replication_level: p-value at which a half confirms an edge.
    """

    tails: CausalTails = CausalTails()
    f1_min: Number = 0.75
    stability_min: Number = 0.7
    replication_level: Number = 0.05

    def __call__(self, series: Float[Array, "steps nodes"], f1: Estimate) -> tuple[CausalCoverage, TailGraph]:
        """Find the field of `series` and certify it.

        Args:
            series: large is extreme.
            f1: from `graph_f1`, over cells with as many bars and series as `series` has.

        Returns:
            The certificate, and the field that it is about.
        """
        graph = self.tails(series)
        half = series.shape[0] // 2
        shares = [
            replicate(graph, self.tails(part), level=self.replication_level).share.value
            for part in (series[:half], series[half:])
        ]
        stability = jnp.minimum(*shares)
        ground = jnp.where(stability >= self.stability_min, int(Ground.GRANTED), int(Ground.UNSTABLE))
        validated = (f1.outcome == Outcome.OK) & (f1.value >= self.f1_min)
        ground = jnp.where(validated, ground, int(Ground.NOT_VALIDATED))
        ground = jnp.where(jnp.any(graph.edges), ground, int(Ground.NO_EDGES))
        return CausalCoverage(ground == Ground.GRANTED, ground, f1, stability), graph
