"""Execution gating: what share of the intended notional a decision lets through, and why none."""

import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .decision import Decision
from .guards import Guard, GuardFlags
from .settings import require_order, require_within, switch, threshold


class BlockReason(enum.IntEnum):
    """Why execution is stopped; of several guards the first listed is reported."""

    NONE = 0
    GUARD_SURPRISAL = 1
    GUARD_COVERAGE = 2
    GUARD_LATENCY = 3
    GUARD_WIDTH = 4
    GUARD_KAPPA = 5
    GUARD_SATURATION = 6
    GUARD_DATA = 7
    GUARD_DRAWDOWN = 8
    DECISION = 9

    @property
    def label(self) -> str:
        """Return the reason as metrics and summaries spell it, e.g. `guard_surprisal`."""
        return self.name.lower()


_REASON_OF = {
    Guard.COVERAGE: BlockReason.GUARD_COVERAGE,
    Guard.COVERAGE_STREAK: BlockReason.GUARD_COVERAGE,
    Guard.LATENCY: BlockReason.GUARD_LATENCY,
    Guard.SURPRISAL: BlockReason.GUARD_SURPRISAL,
    Guard.WIDTH: BlockReason.GUARD_WIDTH,
    Guard.KAPPA: BlockReason.GUARD_KAPPA,
    Guard.SATURATION: BlockReason.GUARD_SATURATION,
    Guard.DATA_AGE: BlockReason.GUARD_DATA,
    Guard.ERROR_RATE: BlockReason.GUARD_DATA,
    Guard.DRAWDOWN: BlockReason.GUARD_DRAWDOWN,
}
_REASON_CODES = np.array([_REASON_OF[guard] for guard in Guard])


class GatingInfo(NamedTuple):
    """The share of the base notional to trade, in [0, 1], and the `BlockReason` code where something stops it."""

    risk_scale: Float[Array, ""]
    block_reason: Int[Array, ""]


def _share_vector(scales: Mapping[Decision, float] | Sequence[float] | Float[Array, " decisions"]):
    if isinstance(scales, Mapping):
        scales = [float(scales[decision]) for decision in Decision]
    return jnp.asarray(scales, float)


class Gating(eqx.Module):
    r"""Turn a decision into a share of the intended notional.

    $$n = \mathrm{clip}(n_0 \cdot \mathrm{scale}[d],\ n_{\min},\ n_{\max}), \qquad \mathrm{risk\_scale} = n / n_0$$

    and 0 if the decision is BLOCK, a hard guard is raised, `hard_block_on_guard` is on and any guard is raised, or
    $n_0 = 0$. (Read literally, the clip would trade n_min in BLOCK.)

    Attributes:
        scale_map: share in [0, 1] for PASS, DERISK and BLOCK, descending to 0; a mapping of `Decision` or a sequence.
        base_notional: n_0 >= 0, in the account's currency.
        min_notional: n_min, in [0, n_0] unless n_0 is 0; the smallest order worth sending.
        max_notional: n_max >= n_min.
        hard_block_on_guard: stop execution on any raised guard, soft ones included.
    """

    scale_map: Float[Array, " decisions"] = eqx.field(converter=_share_vector)
    base_notional: Float[Array, ""] = eqx.field(converter=threshold)
    min_notional: Float[Array, ""] = eqx.field(converter=threshold)
    max_notional: Float[Array, ""] = eqx.field(converter=threshold)
    hard_block_on_guard: Bool[Array, ""] = eqx.field(converter=switch, default=False)

    def __check_init__(self):
        if self.scale_map.shape != (len(Decision),):
            raise ValueError(f"scale_map must hold a share per decision, had shape {self.scale_map.shape}.")
        scale_pass, scale_derisk, scale_block = self.scale_map
        require_within(0.0, 1.0, scale_map=self.scale_map)
        require_within(0.0, 0.0, **{"scale_map[BLOCK]": scale_block})
        require_order(**{"scale_map[DERISK]": scale_derisk, "scale_map[PASS]": scale_pass})
        require_within(0.0, 1e300, base_notional=self.base_notional, min_notional=self.min_notional)
        require_order(min_notional=self.min_notional, max_notional=self.max_notional)
        # An account without notional has nothing to scale; its minimum then does not matter.
        base = jnp.where(self.base_notional == 0.0, self.min_notional, self.base_notional)
        require_order(min_notional=self.min_notional, base_notional=base)

    def risk_scale(self, decision: Int[Array, ""], flags: GuardFlags) -> GatingInfo:
        """Return the share to trade under `decision` and the raised guards."""
        decision = jnp.asarray(decision, int)
        stopping = flags.hard | (self.hard_block_on_guard & flags.soft)
        blocked = decision == int(Decision.BLOCK)
        stopped = blocked | jnp.any(stopping)
        notional = jnp.clip(self.base_notional * self.scale_map[decision], self.min_notional, self.max_notional)
        without = self.base_notional == 0.0
        share = notional / jnp.where(without, 1.0, self.base_notional)
        # The minimum covers settings that were traced and so could not be checked.
        scale = jnp.where(stopped | without, 0.0, jnp.minimum(share, 1.0))

        by_guard = jnp.min(jnp.where(stopping, jnp.asarray(_REASON_CODES, int), int(BlockReason.DECISION)))
        return GatingInfo(scale, jnp.where(stopped, by_guard, int(BlockReason.NONE)))
