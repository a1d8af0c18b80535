"""A small artifact of untrained but real parts: what the engine and the service are tested on.

Its networks are initialised, not trained; everything else (features, standardisation, trailing moments, conformal
scores, states after replaying real bars) is what the real pipeline would store.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx

from aurora_jax.config import parse_config
from aurora_jax.config.engine import EngineConfig
from aurora_jax.core import Bar, pack, strongly_typed
from aurora_jax.data import FeaturePipeline, MarketData, batch_features, fit_standardiser, load_packaged
from aurora_jax.engine import Engine, EngineState, RouterParts, StreamParts, assemble, save_artifact, scenario_set
from aurora_jax.router import EVIDENCE, Router, RouterNetwork
from aurora_jax.serving.transitions import take_in
from aurora_jax.student import DSSM, bind, fit_trailing
from tests.speaking_network import speaking

HISTORY_BARS = 200
FEATURES = ("return_1", "return_5", "volatility_10", "bollinger_width")
TRIO = ("AAPL", "JPM", "XOM")


def histories() -> dict[str, MarketData]:
    """Return the streams: a close-only basket of three stocks, and an index with all columns."""
    return {
        "TRIO": load_packaged("us20").select(TRIO).between("2015-01-01", None),
        "INDEX": load_packaged("sp500").between("2015-01-01", None),
    }


def engine_config(streams: dict[str, MarketData], **changes) -> EngineConfig:
    """Return settings with windows short enough that every stage is live after `HISTORY_BARS`."""
    content = {
        "streams": {
            symbol: {"assets": data.assets, "ohlc": data.columns.ohlc, "volume": data.columns.volume, "weight_max": 1.0}
            for symbol, data in streams.items()
        },
        "features": FEATURES,
        "student": {"hidden": 8, "latent": 3},
        "conformal": {"miscoverage": 0.1, "window_bars": 100, "cold_start_scores": 30},
        "crossbar": {"window_bars": 64, "long_bars": 64},
        "meta": {"warm_up_bars": 70, "coverage_window_bars": 50, "width_window_bars": 100},
        "allocation": {
            "tail_probability": 0.1,
            "history_bars": 96,
            "rebalance_bars": 5,
            "tail_rows": 8,
            "body_rows": 8,
        },
        # An untrained model's score means nothing; low thresholds let every decision be seen.
        "governance": {
            "profile": "test",
            "kappa": {"tau_pass": 0.3, "tau_derisk": 0.1},
            "acceptance": {"hysteresis": {"tau_pass_up": 0.35, "tau_derisk_up": 0.15}},
            "guards": {"data_age_hard_max_s": 3e9},
        },
        **changes,
    }
    return parse_config(EngineConfig, content, source="tests/artifact.py")


def _stream_parts(data: MarketData, config: EngineConfig) -> StreamParts:
    """Fit what can be fitted without training: moments, and scenarios drawn from the stream's own past."""
    past = data.rows(0, 2 * HISTORY_BARS)
    features = batch_features(FeaturePipeline(config.features), past.bars())
    returns = past.log_returns()
    rule = config.allocation
    scenarios = scenario_set(
        jnp.broadcast_to(jnp.expm1(jnp.asarray(returns)), (3, *returns.shape)),
        tail_probability=rule.tail_probability,
        tail_rows=rule.tail_rows,
        body_rows=rule.body_rows,
        simulated_share=rule.simulated_share,
    )
    return StreamParts(
        standardiser=fit_standardiser(jnp.asarray(features)[64:]),
        trailing=fit_trailing(jnp.asarray(returns)),
        scenarios=scenarios,
        typical_spread=jnp.asarray(0.5),
        log_spread_deviation=jnp.asarray(0.5),
    )


def make_artifact(
    folder: Path,
    *,
    keys: Path | None = None,
    bars: int = HISTORY_BARS,
    symbols: tuple[str, ...] = ("TRIO", "INDEX"),
    **changes,
) -> Path:
    """Write the artifact to `folder`, its streams' states as `bars` real bars left them.

    Args:
        folder: where it shall lie.
        keys: folder of the signing key; None leaves it unsigned.
        bars: length of the replayed history.
        symbols: streams to include; each costs compilations.
        changes: top-level keys of the engine's configuration to replace.
    """
    streams = {symbol: histories()[symbol] for symbol in symbols}
    config = engine_config(streams, **changes)
    sizes = {"hidden": config.student.hidden, "latent": config.student.latent}
    network = speaking(DSSM(len(config.features), **sizes, rngs=nnx.Rngs(1)))
    structure, weights = nnx.split(
        RouterNetwork(len(config.features) + config.student.latent + EVIDENCE, rngs=nnx.Rngs(2))
    )
    router = RouterParts(nnx.to_pure_dict(weights), jnp.ones(()), jnp.asarray(config.crossbar.window_bars))
    trees = {"student": nnx.to_pure_dict(nnx.split(network)[1]), "router": router}
    for symbol, data in streams.items():
        parts = _stream_parts(data, config)
        engine = assemble(
            config,
            symbol,
            parts,
            student=bind(network, parts.trailing),
            router=Router(structure, router.weights, router.temperature, config.crossbar.window_bars),
        )
        trees[f"stream-{symbol}"] = parts
        trees[f"state-{symbol}"] = _replayed(engine, data.rows(0, bars).bars())
    return save_artifact(
        folder,
        config=config,
        trees=trees,
        metrics={"bars": bars},
        data={symbol: data.digest for symbol, data in streams.items()},
        seed=1,
        keys=keys,
    )


def _replayed(engine: Engine, bars: Bar) -> EngineState:
    """Return the state after `bars`, one compiled transition at a time, as the service would have it."""
    state, engine = pack(strongly_typed(jax.jit(lambda engine: engine.init())(engine))), pack(engine)
    for index in range(bars.close.shape[0]):
        state = take_in(engine, state, jax.tree.map(lambda leaf, i=index: leaf[i], bars)).packed
    return state.unpack()


def released_artifact(tmp_path_factory) -> Path:
    """Return a folder with `artifact`, of the stream INDEX, signed by `keys`; made once a pytest session."""
    folder = tmp_path_factory.getbasetemp() / "released"
    if not folder.exists():
        make_artifact(folder / "artifact", keys=folder / "keys", symbols=("INDEX",))
    return folder
