"""How often the transfer gate accepts a market of the same law, and rejects one of another."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

from ..certification import Verdict, transfer_gate
from ..core import PRNGKey, stream
from .contagion_recovery import drawn_cell

TARGETS: Mapping[str, Mapping[str, float]] = {
    "same law": {},
    "no contagion": {"branching": 0.0},
    "another graph": {},
    "heavier tail": {"tail_index": 0.6},
    "rough noise": {"hurst": 0.3},
}
"""Target domains by name, and what differs from the source's law; a graph differs by its seed."""

_OTHER_GRAPHS = 100_000


class Power(NamedTuple):
    """What became of pairs of domains: shares of verdicts, and the mean of each statistic.

    Attributes:
        ready: share of pairs.
        not_ready: share of pairs.
        undecided: share of pairs.
        standard_error: of `ready`.
        statistics: mean and standard deviation over pairs of ctr, dcts, d_tail_index and d_hurst, where defined.
        pairs: how many there were.
    """

    ready: float
    not_ready: float
    undecided: float
    standard_error: float
    statistics: dict[str, tuple[float, float]]
    pairs: int


def power(target: str, key: PRNGKey, *, bars: int, assets: int, pairs: int) -> Power:
    """Draw pairs of a source and a target domain and judge each.

    Args:
        target: a name of `TARGETS`.
        key: of all pairs.
        bars: of either domain.
        assets: of either domain.
        pairs: how many.
    """
    verdicts = []
    for number in range(pairs):
        _, source = drawn_cell(stream(key, "source"), number, bars=bars, assets=assets)
        other = number + (_OTHER_GRAPHS if target == "another graph" else 0)
        _, there = drawn_cell(stream(key, target), other, bars=bars, assets=assets, **TARGETS[target])
        verdicts.append(jax.device_get(_judge(source, there)))
    codes = np.asarray([int(told.verdict) for told in verdicts])
    ready, not_ready, undecided = (float(np.mean(codes == code)) for code in Verdict)
    smoothed = (ready * pairs + 0.5) / (pairs + 1.0)
    statistics = {}
    for name in ("ctr", "dcts", "d_tail_index", "d_hurst"):
        values = np.asarray([float(getattr(told, name)) for told in verdicts])
        values = values[np.isfinite(values)]
        statistics[name] = (float(np.mean(values)), float(np.std(values))) if values.size else (0.0, 0.0)
    error = (smoothed * (1.0 - smoothed) / (pairs + 1.0)) ** 0.5
    return Power(ready, not_ready, undecided, error, statistics, pairs)


_judge = jax.jit(transfer_gate)
