"""What a decision adds to the service's metrics."""

import numpy as np

from ..governance import BlockReason, Guard
from ..observability import Metrics
from .outgoing import shares
from .transitions import Transition


def record_decision(
    metrics: Metrics,
    answer: dict,
    transition: Transition,
    *,
    miscoverage_target: float,
    latency_ms: float,
    drawdown: float,
) -> None:
    """Record one new decision; of assets, their mean by |weight|.

    Args:
        metrics: of this process.
        answer: as sent.
        transition: behind it.
        miscoverage_target: aimed at.
        latency_ms: that the guards saw, of the previous request.
        drawdown: as reported by the client.
    """
    info, share = transition.info, shares(transition.weights)
    settlement = info.settlement
    block = BlockReason(int(info.block_reason))
    metrics.record(
        symbol=answer["symbol"],
        decision=answer["decision"],
        score_before_penalties=1.0 - float(info.kappa_plus),
        score=float(info.score),
        surprisal=float(share @ np.asarray(settlement.surprisal)),
        latency_ms=latency_ms,
        relative_width=float(info.relative_width_p95),
        miscoverage=answer["alpha"],
        miscoverage_target=miscoverage_target,
        coverage_ema=float(share @ np.asarray(settlement.coverage_ema)),
        coverage_rate=float(share @ np.asarray(settlement.coverage)),
        missed=bool(np.any(settlement.missed)),
        risk_scale=answer["risk_scale"],
        crossbar=answer["crossbar"],
        drawdown=drawdown,
        regime_distribution=answer["regime_probabilities"],
        violations=[guard.name.lower() for guard in Guard if bool(info.soft[guard]) or bool(info.hard[guard])],
        block_reason=None if block is BlockReason.NONE else block.label,
        portfolio_weights=answer["weights"],
    )
