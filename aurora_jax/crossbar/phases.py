"""The phases of a transition, what may change them, and the complete table of how."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int


class Phase(enum.IntEnum):
    """Whether a stream is between regimes."""

    STEADY = 0
    HELD = 1
    """In transition, and too young to end."""
    OPEN = 2
    """In transition, and free to end."""


class Trigger(enum.IntEnum):
    """What a bar brings; exactly one of the first four, besides MATURE, which the clock brings."""

    QUIET = 0
    """Between the levels."""
    ONSET = 1
    """Index and momentum above their upper levels, with the volatility and volume to mean it."""
    GATED = 2
    """The same in a market too still or too thin."""
    CALM = 3
    """Index or momentum below its lower level."""
    MATURE = 4
    """The shortest duration has passed."""


NO_RULE = -1
"""Entry of the table where a trigger is refused."""

RULES: Mapping[tuple[Phase, Trigger], Phase] = {
    (Phase.STEADY, Trigger.QUIET): Phase.STEADY,
    (Phase.STEADY, Trigger.CALM): Phase.STEADY,
    (Phase.STEADY, Trigger.ONSET): Phase.HELD,
    (Phase.HELD, Trigger.QUIET): Phase.HELD,
    (Phase.HELD, Trigger.ONSET): Phase.HELD,
    (Phase.HELD, Trigger.GATED): Phase.HELD,
    (Phase.HELD, Trigger.MATURE): Phase.OPEN,
    (Phase.OPEN, Trigger.QUIET): Phase.OPEN,
    (Phase.OPEN, Trigger.ONSET): Phase.OPEN,
    (Phase.OPEN, Trigger.GATED): Phase.OPEN,
    (Phase.OPEN, Trigger.CALM): Phase.STEADY,
}
"""Every rule there is. Refused and recorded: a start in a still or thin market, an end before its time."""


class Advance(NamedTuple):
    """A trigger applied.

    Attributes:
        before: `Phase` code.
        after: `Phase` code; as before where refused.
        refused: True where the table has no rule.
    """

    before: Int[Array, ""]
    after: Int[Array, ""]
    refused: Bool[Array, ""]


def transition_table(rules: Mapping[tuple[Phase, Trigger], Phase] = RULES) -> Int[Array, "phases triggers"]:
    """Lay out `rules` as an array; a pair without a rule holds `NO_RULE`."""
    table = np.full((len(Phase), len(Trigger)), NO_RULE)
    for pair, after in rules.items():
        table[pair] = after
    return jnp.asarray(table, int)


def advance(phase: Int[Array, ""], trigger: Int[Array, ""]) -> Advance:
    """Apply `trigger`; one that has no rule in this phase is refused and changes nothing."""
    after = transition_table()[phase, trigger]
    refused = after == NO_RULE
    return Advance(before=phase, after=jnp.where(refused, phase, after), refused=refused)
