"""Thresholds of the acceptance score taken from a calm market, so that a calm market is in PASS."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number, Outcome

from .acceptance import Acceptance, Thresholds
from .decision import Decision
from .guards import GuardFlags

LEVELS = (0.10, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.015, 0.01, 0.007, 0.005, 0.003, 0.002, 0.001)
"""Shares of calm bars that may score below tau_pass, strictest first."""

MIN_BARS = 200
"""Fewer calm bars do not tell their lower tail."""


class CalmThresholds(NamedTuple):
    """What was found.

    Attributes:
        acceptance: the machine with the thresholds found.
        level: share of calm bars that score below its tau_pass, from `LEVELS`.
        pass_share: share of the calm bars that it spends in PASS.
        outcome: OK; INFEASIBLE if even the loosest level stays below the share asked for (the guards themselves are
            raised too often); TOO_SHORT, with the machine unchanged, below `MIN_BARS`.
    """

    acceptance: Acceptance
    level: Float[Array, ""]
    pass_share: Float[Array, ""]
    outcome: Int[Array, ""]


def calm_thresholds(
    acceptance: Acceptance,
    kappa_plus: Float[Array, " bars"],
    flags: GuardFlags,
    *,
    pass_share: Number = 0.9,
) -> CalmThresholds:
    """Return the strictest quantile thresholds under which a calm path is in PASS for at least `pass_share` of it.

    For a level l the thresholds are quantiles of the penalised score: tau_pass at l, tau_pass_up at 2 l, tau_derisk
    at l / 10, tau_derisk_up at l / 5; the path is replayed for every level, since dwell and hysteresis hold states
    for longer than scores alone would. Dwells, cooldowns and penalties are those of `acceptance`.

    Args:
        acceptance: the machine whose thresholds are replaced.
        kappa_plus: of each calm bar, in order.
        flags: guards raised on each of them, [bars, guards].
        pass_share: in (0, 1).
    """
    if kappa_plus.shape[0] < MIN_BARS:
        shortage = jnp.asarray(int(Outcome.TOO_SHORT))
        return CalmThresholds(acceptance, jnp.zeros(()), jnp.zeros(()), shortage)
    scores, _ = jax.vmap(acceptance.score)(kappa_plus, flags)
    ascending = jnp.sort(scores)

    def quantile(level):
        # The value with at most a share `level` strictly below it.
        rank = jnp.floor(level * scores.shape[0]).astype(int)
        return jnp.clip(ascending[rank], 0.0, 1.0)

    def at(level):
        taus = Thresholds(quantile(level), quantile(level / 10), quantile(2 * level), quantile(level / 5))
        return eqx.tree_at(
            lambda machine: tuple(getattr(machine, name) for name in Thresholds._fields), acceptance, taus
        )

    def share(level):
        machine = at(level)

        def bar(state, row):
            state, info = machine.step(state, kappa_plus=row[0], flags=row[1])
            return state, info.decision == int(Decision.PASS)

        return jnp.mean(jax.lax.scan(bar, machine.init(), (kappa_plus, flags))[1].astype(float))

    levels = jnp.array(LEVELS)
    shares = jax.vmap(share)(levels)
    enough = shares >= pass_share
    chosen = jnp.where(jnp.any(enough), jnp.argmax(enough), len(LEVELS) - 1)
    outcome = jnp.where(enough[chosen], int(Outcome.OK), int(Outcome.INFEASIBLE))
    return CalmThresholds(at(levels[chosen]), levels[chosen], shares[chosen], outcome)
