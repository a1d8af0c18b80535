"""What the service tells about itself: streams, regimes, the artifact."""

from typing import Any

import numpy as np

from ..config.engine import StreamConfig
from ..core import Bar, Regime
from ..engine import Artifact, EngineState
from ..governance import Decision
from ..router import FAMILIES
from .session import Session
from .timeframe import iso, timeframe_name


def stream_report(session: Session) -> dict:
    """Return where a stream stands."""
    position, stream = session.position, session.stream
    state, assets = position.state, stream.assets
    answer = position.answer or {}
    return {
        "assets": list(assets),
        "columns": columns(stream),
        "timeframe": timeframe_name(stream.bar_seconds),
        "next_seq": position.next_seq,
        "last_ts": iso(position.time),
        "bars_seen": int(state.bars_seen),
        "last_close": _by_asset(assets, state.close),
        "decision": Decision(int(state.acceptance.decision)).name,
        "risk_scale": answer.get("risk_scale"),
        "killed": bool(state.acceptance.killed),
        "weights": _by_asset(assets, state.weights),
        "coverage_ema": _by_asset(assets, state.conformal.coverage_ema),
        "certificate": answer.get("certificate"),
    }


def regime_report(session: Session) -> dict:
    """Return the regime of a stream as of its last bar."""
    climate = session.position.state.climate
    return {
        "ts": iso(session.position.time),
        "regime": Regime(int(climate.regime)).name,
        "probabilities": dict(zip(FAMILIES, np.asarray(climate.probabilities).tolist(), strict=True)),
        "crossbar": float(climate.crossbar),
    }


def artifact_report(artifact: Artifact) -> dict:
    """Return what an artifact is and where it came from."""
    config, manifest = artifact.config, artifact.manifest
    return {
        "artifact": artifact.digest,
        "config_digest": config.digest(),
        "profile": config.governance.profile,
        "seed": manifest["seed"],
        "data": manifest["data"],
        "versions": manifest["versions"],
        "features": list(config.features),
        "features_removed": dict(config.features_removed),
        "streams": {
            symbol: {
                "assets": list(stream.assets),
                "columns": columns(stream),
                "timeframe": timeframe_name(stream.bar_seconds),
            }
            for symbol, stream in config.streams.items()
        },
        "metrics": artifact.metrics,
    }


def columns(stream: StreamConfig) -> list[str]:
    """Return the columns that a bar of the stream must have."""
    prices = ["open", "high", "low", "close"] if stream.ohlc else ["close"]
    return [*prices, "volume"] if stream.volume else prices


def still_bar(stream: StreamConfig, state: EngineState) -> Bar:
    """Return a bar on which nothing moved, shaped as every bar of the stream: to compile with."""
    close = np.asarray(state.close)
    tables: dict[str, Any] = dict.fromkeys(("open", "high", "low", "volume"))
    tables.update({name: close for name in columns(stream)})
    zero = np.float64(0.0)
    return Bar(
        time=np.asarray(int(state.time) + stream.bar_seconds),  # pyright: ignore[reportArgumentType]
        **tables,
        imputed=np.zeros(len(stream.assets), bool),  # pyright: ignore[reportArgumentType]
        latency_ms=zero,
        data_age_s=zero,
        error_rate=zero,
        drawdown=zero,
    )


def _by_asset(assets: tuple[str, ...], values: Any) -> dict[str, float]:
    return dict(zip(assets, np.asarray(values).tolist(), strict=True))
