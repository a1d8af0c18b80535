"""One small engine per stream for the tests of engine and replay: untrained networks, real data, short windows."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from aurora_jax.config import EngineConfig, parse_config
from aurora_jax.core import Bar
from aurora_jax.data import FeaturePipeline, MarketData, batch_features, fit_standardiser, load_packaged
from aurora_jax.engine import Engine, RouterParts, StreamParts, assemble, scenario_set
from aurora_jax.router import EVIDENCE, Router, RouterNetwork
from aurora_jax.student import DSSM, ScaleLaw, bind, fit_trailing, trailing_law
from tests.speaking_network import speaking

FEATURES = ("return_1", "volatility_10", "bollinger_width")
ASSETS = ("AAPL", "JPM", "XOM")
WARM_UP_BARS, HISTORY_BARS, BARS = 70, 64, 150


class Small(NamedTuple):
    """An engine with what it was assembled from, and the bars it is tested on."""

    config: EngineConfig
    engine: Engine
    trees: dict[str, Any]
    data: MarketData

    @property
    def bars(self) -> Bar:
        """Return the bars stacked along time."""
        return self.data.bars()


def histories() -> dict[str, MarketData]:
    """Return a close-only basket of three, and an index with all columns."""
    return {
        "TRIO": load_packaged("us20").select(ASSETS).between("2015-01-01", None).rows(0, 300),
        "INDEX": load_packaged("sp500").between("2015-01-01", None).rows(0, 300),
    }


def settings(streams: dict[str, MarketData]) -> EngineConfig:
    """Return settings under which every stage is live after `WARM_UP_BARS`."""
    trailing = {"window_bars": 64, "warm_up_bars": 5}
    content = {
        "streams": {
            name: {"assets": data.assets, "ohlc": data.columns.ohlc, "volume": data.columns.volume, "weight_max": 1.0}
            for name, data in streams.items()
        },
        "features": FEATURES,
        "student": {"hidden": 4, "latent": 2},
        "conformal": {"miscoverage": 0.1, "window_bars": 60, "cold_start_scores": 30},
        "crossbar": {"window_bars": 32, "long_bars": 64},
        "meta": {"warm_up_bars": WARM_UP_BARS, "coverage_window_bars": 40, "width_window_bars": 64},
        "allocation": {
            "tail_probability": 0.1,
            "history_bars": HISTORY_BARS,
            "rebalance_bars": 10,
            "tail_rows": 8,
            "body_rows": 8,
        },
        # An untrained model's score means nothing: low thresholds let every decision be seen.
        "governance": {
            "kappa": {"tau_pass": 0.2, "tau_derisk": 0.05},
            "acceptance": {"hysteresis": {"tau_pass_up": 0.25, "tau_derisk_up": 0.1}},
            "guards": {"coverage_hard_min": 0.0, "surprisal_hard_max": 50.0, "data_age_hard_max_s": 3e9},
            "surprisal": trailing,
            "latency": trailing,
            "width": trailing,
        },
    }
    return parse_config(EngineConfig, content, source="tests/small_engine.py")


def some_law() -> ScaleLaw:
    """Return a scale law that says something of each reading."""
    weights = 0.1 * np.random.default_rng(4).standard_normal(trailing_law().weights.shape)
    return ScaleLaw(jnp.asarray(-0.2), jnp.asarray(weights))


@functools.cache
def small(symbol: str) -> Small:
    """Return the engine of one stream; the same object for the whole session, so that it is compiled once."""
    data = histories()[symbol]
    config = settings({symbol: data})
    returns, rule = data.log_returns(), config.allocation
    parts = StreamParts(
        standardiser=fit_standardiser(np.asarray(batch_features(FeaturePipeline(FEATURES), data.bars()))[64:]),
        trailing=eqx.tree_at(lambda tree: tree.law, fit_trailing(jnp.asarray(returns)), some_law()),
        scenarios=scenario_set(
            jnp.broadcast_to(jnp.expm1(jnp.asarray(returns)), (3, *returns.shape)),
            tail_probability=rule.tail_probability,
            tail_rows=rule.tail_rows,
            body_rows=rule.body_rows,
            simulated_share=rule.simulated_share,
        ),
        typical_spread=jnp.asarray(0.5),
        log_spread_deviation=jnp.asarray(0.5),
    )
    sizes = config.student
    network = speaking(DSSM(len(FEATURES), hidden=sizes.hidden, latent=sizes.latent, rngs=nnx.Rngs(1)))
    structure, weights = nnx.split(RouterNetwork(len(FEATURES) + sizes.latent + EVIDENCE, rngs=nnx.Rngs(2)))
    router = RouterParts(nnx.to_pure_dict(weights), jnp.ones(()), jnp.asarray(config.crossbar.window_bars))
    engine = assemble(
        config,
        symbol,
        parts,
        student=bind(network, parts.trailing),
        router=Router(structure, router.weights, router.temperature, config.crossbar.window_bars),
    )
    student = nnx.to_pure_dict(nnx.split(network)[1])
    return Small(config, engine, {"student": student, "router": router, f"stream-{symbol}": parts}, data)


class Walk(NamedTuple):
    """A walk bar by bar: `states[t]` is the state before bar t, `infos[t]` the report of bar t."""

    states: list
    infos: list


@functools.cache
def walk(symbol: str) -> Walk:
    """Take `BARS` bars through the compiled step, one call each, as a service would; nothing is allocated."""
    made = small(symbol)
    step, state = eqx.filter_jit(made.engine.step), made.engine.init()
    states, infos = [state], []
    for index in range(BARS):
        state, info = step(state, made.data.bar(index))
        states.append(state)
        infos.append(info)
    return Walk(states, infos)


@eqx.filter_jit
def scan(engine: Engine, state, bars: Bar):
    """Take stacked bars through one scan."""
    return jax.lax.scan(lambda state, bar: engine.step(state, bar), state, bars)


def first(bars: Bar, count: int) -> Bar:
    """Return the first bars of a stack."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], bars)


def assert_bitwise(left, right):
    """Fail unless both pytrees hold the same bits."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(left), jax.tree.leaves(right), strict=True):
        a, b, name = np.asarray(a), np.asarray(b), jax.tree_util.keystr(path)
        assert a.dtype == b.dtype, name
        assert a.shape == b.shape, name
        assert a.tobytes() == b.tobytes(), f"{name}: {a} != {b}"
