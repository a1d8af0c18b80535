"""A stream that uses models of another: its standing, and conservative mode while that is not good enough."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp

from ..certification import Standing, Verdict, conservative_mode
from ..config.engine import TransferEvidence
from ..governance import Decision

if TYPE_CHECKING:
    from .engine import Engine


def with_evidence(engine: "Engine", evidence: TransferEvidence) -> "Engine":
    """Return the engine with the gates' evidence in its certificates, in conservative mode where that asks for it.

    Conservative mode widens every interval to the least miscoverage there is, as a transition would (so that the
    controller is not called saturated for it), enlarges the radius of the worst-case shortfall, and caps positions at
    the scale of DERISK.
    """
    verdict, certified = jnp.asarray(int(Verdict[evidence.verdict])), jnp.asarray(evidence.causal_coverage)
    standing = Standing(verdict, certified, jnp.asarray(False))
    conformal, scales = engine.conformal, engine.gating.scale_map
    mode = conservative_mode(
        standing.transfer,
        standing.causal_coverage,
        jnp.ones(engine.assets, bool),
        miscoverage_min=conformal.miscoverage_min,
        miscoverage_max=conformal.miscoverage_max,
        derisk_scale=scales[int(Decision.DERISK)],
    )
    engine = eqx.tree_at(lambda e: e.standing, engine, standing._replace(conservative=mode.active))
    if not bool(mode.active):
        return engine
    # The integrator never exceeds 1 by more than a step: from anywhere this reaches the least miscoverage. The
    # controller keeps its usual pace, also in real transitions.
    offset = jnp.asarray(mode.miscoverage_max - 2.0)
    conformal = eqx.tree_at(
        lambda c: (c.transition_offset, c.step_size_transition), conformal, (offset, conformal.step_size_base)
    )
    return eqx.tree_at(
        lambda e: (e.conformal, e.allocation.radius_share, e.gating.scale_map, e.meta.conservative),
        engine,
        (
            conformal,
            engine.allocation.radius_share * mode.radius_multiplier,
            jnp.minimum(jnp.asarray(scales), mode.risk_scale_max),
            True,
        ),
    )
