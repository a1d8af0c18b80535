"""From the engine's report to the answer that a client reads, and the digest that pins it."""

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np

from ..certification import Verdict
from ..core import Allocation, Outcome, Regime
from ..engine import EngineInfo
from ..governance import BlockReason, Decision, Guard
from ..observability import canonical_bytes
from ..router import FAMILIES
from .timeframe import iso

_QUANTILES = ("p05", "p25", "p50", "p75", "p95")
_UNPINNED = ("certificate", "latency_ms")


class Decided(NamedTuple):
    """What the engine said of one bar, as host arrays.

    Attributes:
        symbol: the stream; `seq` and `time` of its bar.
        assets: of the stream, in order.
        info: the engine's report.
        weights: held from now on.
        allocation: if the weights were chosen on this bar.
    """

    symbol: str
    seq: int
    time: int
    assets: tuple[str, ...]
    info: EngineInfo
    weights: np.ndarray
    allocation: Allocation | None


def describe(decided: Decided, *, artifact: str) -> dict:
    """Return the answer as plain values, in the order of `PredictResponse`, pinned by its digest; latency still 0."""
    info, assets = decided.info, decided.assets
    interval = info.certificate.interval
    answer = {
        "symbol": decided.symbol,
        "seq": decided.seq,
        "ts": iso(decided.time),
        "outcome": Outcome(int(info.outcome)).name,
        "decision": Decision(int(info.decision)).name,
        "risk_scale": _number(info.risk_scale),
        "reasons": reasons(info),
        "forecast": {asset: _forecast(info, place) for place, asset in enumerate(assets)},
        "interval": {asset: _interval(info, place) for place, asset in enumerate(assets)},
        "alpha": _number(shares(decided.weights) @ np.asarray(interval.miscoverage)),
        "weights": {asset: float(weight) for asset, weight in zip(assets, decided.weights, strict=True)},
        "allocation": None if decided.allocation is None else _allocation(decided.allocation),
        "kappa": _number(info.kappa),
        "kappa_parts": {name: _number(part) for name, part in info.kappa_parts._asdict().items()},
        "kappa_plus": _number(info.kappa_plus),
        "score": _number(info.score),
        "regime": Regime(int(info.climate.regime)).name,
        "regime_probabilities": dict(zip(FAMILIES, np.asarray(info.climate.probabilities).tolist(), strict=True)),
        "in_transition": bool(info.in_transition),
        "crossbar": _number(info.climate.crossbar),
        "surprisal": dict(zip(assets, np.asarray(info.settlement.surprisal).tolist(), strict=True)),
        "artifact": artifact,
    }
    return {**answer, "certificate": certificate_digest(answer), "latency_ms": 0.0}


def certificate_digest(answer: dict) -> str:
    """Return the digest of an answer: of everything in it but the digest itself and the latency."""
    pinned = {name: value for name, value in answer.items() if name not in _UNPINNED}
    return hashlib.sha256(canonical_bytes(pinned)).hexdigest()


def reasons(info: EngineInfo) -> list[str]:
    """Return what holds the decision or the size back, as labels; an empty list if nothing does."""
    found = ["warming_up"] if int(info.outcome) == int(Outcome.WARMING_UP) else []
    for guard in Guard:
        if bool(info.hard[guard]) or bool(info.soft[guard]):
            found.append(f"guard_{guard.name.lower()}_{'hard' if bool(info.hard[guard]) else 'soft'}")
    if bool(info.killed):
        found.append("kill_switch")
    found += [f"fallback_{name}" for name, on in info.fallbacks._asdict().items() if bool(on)]
    block = BlockReason(int(info.block_reason))
    if block is BlockReason.DECISION:
        found.append("blocked")
    elif block is BlockReason.NONE and int(info.decision) == int(Decision.DERISK):
        found.append("derisked")
    return found


def shares(weights: np.ndarray) -> np.ndarray:
    """Return |weights| as shares of their sum, by which a stream averages over its assets; equal if all are 0."""
    size = np.abs(weights)
    return size / size.sum() if size.sum() > 0.0 else np.full(len(size), 1.0 / len(size))


def _forecast(info: EngineInfo, place: int) -> dict:
    law = info.forecast
    return {
        "mean": _number(law.mean[place]),
        "scale": _number(law.scale[place]),
        "degrees_of_freedom": _number(law.degrees_of_freedom),
        "quantiles": dict(zip(_QUANTILES, np.asarray(law.quantiles[place]).tolist(), strict=True)),
    }


def _interval(info: EngineInfo, place: int) -> dict:
    certificate = info.certificate
    lower, upper = (_number(bound[place]) for bound in certificate.interval[:2])
    return {
        "lower": lower,
        "upper": upper,
        "infinite": lower is None or upper is None,
        "alpha": _number(certificate.interval.miscoverage[place]),
        "alpha_state": _number(certificate.state_miscoverage[place]),
        "saturated": bool(certificate.interval.saturated[place]),
        "coverage_ema": _number(certificate.coverage_ema[place]),
        "coverage_score": _number(certificate.bcc[place]),
        "transfer": Verdict(int(certificate.standing.transfer[place])).name,
        "causal_coverage": bool(certificate.standing.causal_coverage[place]),
        "conservative": bool(certificate.standing.conservative[place]),
        "outcome": Outcome(int(certificate.outcome[place])).name,
    }


def _allocation(allocation: Allocation) -> dict:
    numbers = {name: _number(getattr(allocation, name)) for name in ("var", "es", "worst_case_es", "duality_gap")}
    return {**numbers, "outcome": Outcome(int(allocation.outcome)).name}


def _number(value: Any) -> float | None:
    """Return a finite number, or None: JSON knows neither infinity nor NaN."""
    number = float(value)
    return number if math.isfinite(number) else None
