"""The acceptance decision, what may change it, and the complete table of how."""

import enum
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int


class Decision(enum.IntEnum):
    """How much of the intended position may be traded, from loosest to strictest."""

    PASS = 0
    DERISK = 1
    BLOCK = 2


class Trigger(enum.IntEnum):
    """What may move the acceptance machine, most urgent first: of several in one bar, the first with a rule acts.

    CLEAR comes before COOL, else a bar too weak for COOL could reach PASS where a stronger one reaches only DERISK.
    """

    KILL = 0
    BREACH = 1
    CLEAR = 2
    COOL = 3
    RECOVER = 4
    WEAKEN = 5
    RELEASE = 6


NO_RULE = -1
"""Entry of the table where a trigger is refused."""

NO_TRIGGER = -1
"""Code reported for a bar on which no trigger acted."""

RULES: Mapping[tuple[Decision, Trigger], Decision] = {
    (Decision.PASS, Trigger.WEAKEN): Decision.DERISK,
    (Decision.PASS, Trigger.BREACH): Decision.BLOCK,
    (Decision.PASS, Trigger.KILL): Decision.BLOCK,
    (Decision.DERISK, Trigger.BREACH): Decision.BLOCK,
    (Decision.DERISK, Trigger.KILL): Decision.BLOCK,
    (Decision.DERISK, Trigger.RECOVER): Decision.PASS,
    (Decision.BLOCK, Trigger.COOL): Decision.DERISK,
    (Decision.BLOCK, Trigger.CLEAR): Decision.PASS,
    # A release lifts the latch of a kill; only COOL or CLEAR then leave BLOCK.
    (Decision.BLOCK, Trigger.RELEASE): Decision.BLOCK,
}
"""Every transition there is; a pair that is not here is refused and recorded."""


def transition_table(rules: Mapping[tuple[Decision, Trigger], Decision] = RULES) -> Int[Array, "decisions triggers"]:
    """Lay out `rules` as an array; a pair without a rule holds `NO_RULE`."""
    table = np.full((len(Decision), len(Trigger)), NO_RULE)
    for pair, after in rules.items():
        table[pair] = after
    return jnp.asarray(table, int)


def advance(
    decision: Int[Array, ""], raised: Bool[Array, " triggers"]
) -> tuple[Int[Array, ""], Int[Array, ""], Bool[Array, " triggers"]]:
    """Apply the most urgent of the `raised` triggers that has a rule in this state.

    Returns:
        The decision after, the code of the trigger that acted (`NO_TRIGGER` if none) and those that were refused.
    """
    targets = transition_table()[decision]
    ruled = targets != NO_RULE
    acting = raised & ruled
    first = jnp.argmax(acting).astype(int)
    acted = jnp.any(acting)
    return (
        jnp.where(acted, targets[first], decision),
        jnp.where(acted, first, NO_TRIGGER),
        raised & ~ruled,
    )
